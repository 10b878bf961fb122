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
