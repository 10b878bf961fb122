-- The words of a text stand in its own row: one row to write, and they go when it goes.
ALTER TABLE episodes ADD COLUMN IF NOT EXISTS words tsvector;
ALTER TABLE facts ADD COLUMN IF NOT EXISTS words tsvector;
UPDATE episodes SET words = search.words FROM search WHERE search.owner_id = episodes.id;
UPDATE facts SET words = search.words FROM search WHERE search.owner_id = facts.id;
DROP TABLE search;
-- New words wait in a list that every search reads whole: a short one (in kB, usually 4096).
CREATE INDEX IF NOT EXISTS episodes_words ON episodes USING gin (words) WITH (gin_pending_list_limit = 256);
CREATE INDEX IF NOT EXISTS facts_words ON facts USING gin (words) WITH (gin_pending_list_limit = 256);
