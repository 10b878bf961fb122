-- Words of facts and episodes, made by our own tokenizer; a filter before ranking, never the ranking itself.
-- The row id is derived from the owner's id, so a row can be replaced and removed without a scan.
CREATE VIRTUAL TABLE IF NOT EXISTS search USING fts5 (owner_id UNINDEXED, words, detail = none, tokenize = 'ascii');
