-- Most rows have no session, no subject and no end: only those that have one are in an index for it.
DROP INDEX IF EXISTS episodes_session;
CREATE INDEX IF NOT EXISTS episodes_session ON episodes (namespace_id, session_id, turn) WHERE session_id IS NOT NULL;
DROP INDEX IF EXISTS episodes_subject;
CREATE INDEX IF NOT EXISTS episodes_subject ON episodes (tenant_id, subject_id) WHERE subject_id IS NOT NULL;
DROP INDEX IF EXISTS episodes_expiry;
CREATE INDEX IF NOT EXISTS episodes_expiry ON episodes (expires_at) WHERE expires_at IS NOT NULL;
DROP INDEX IF EXISTS facts_status;
CREATE INDEX IF NOT EXISTS facts_status ON facts (namespace_id) WHERE status = 'disputed';
DROP INDEX IF EXISTS facts_subject;
CREATE INDEX IF NOT EXISTS facts_subject ON facts (tenant_id, subject_id) WHERE subject_id IS NOT NULL;
DROP INDEX IF EXISTS facts_expiry;
CREATE INDEX IF NOT EXISTS facts_expiry ON facts (expires_at) WHERE expires_at IS NOT NULL;
DROP INDEX IF EXISTS facts_path;
-- Namespaces are never removed. A reference to one made every row that is written lock the namespace's row, so
-- that all writers of a namespace met at it.
ALTER TABLE episodes DROP CONSTRAINT IF EXISTS episodes_namespace_id_fkey;
ALTER TABLE facts DROP CONSTRAINT IF EXISTS facts_namespace_id_fkey;
ALTER TABLE fact_heads DROP CONSTRAINT IF EXISTS fact_heads_namespace_id_fkey;
ALTER TABLE working_context DROP CONSTRAINT IF EXISTS working_context_namespace_id_fkey;
-- New words wait in a list that every search reads whole: a short one (in kB, usually 4096).
ALTER INDEX search_words SET (gin_pending_list_limit = 256);
