-- Rows that a dump or a plain export wrote have no words yet: a store finds them here and gives them theirs.
CREATE INDEX IF NOT EXISTS episodes_wordless ON episodes (id) WHERE words IS NULL;
CREATE INDEX IF NOT EXISTS facts_wordless ON facts (id) WHERE words IS NULL;
