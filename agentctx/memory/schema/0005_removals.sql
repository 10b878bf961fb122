-- What was removed on purpose: an export carries it, so that a row which an earlier export wrote goes as well.
-- The id is that of the episode or fact; of a working context it is derived from the key. No text is kept.
CREATE TABLE IF NOT EXISTS removals (
  tenant_id    text        NOT NULL,
  id           uuid        NOT NULL,
  namespace_id uuid        NOT NULL,
  session_id   text        NOT NULL,
  key          text        NOT NULL,
  seen_at      timestamptz NOT NULL,
  expires_at   timestamptz,
  PRIMARY KEY (tenant_id, id)
);
