-- Words of facts and episodes, made by our own tokenizer; a filter before ranking, never the ranking itself.
CREATE TABLE IF NOT EXISTS search (
  owner_id uuid     NOT NULL PRIMARY KEY,
  words    tsvector NOT NULL
);
CREATE INDEX IF NOT EXISTS search_words ON search USING gin (words);
