-- Keys of a server: never the key itself, only its digest. Looked up before the tenant is known.
CREATE TABLE IF NOT EXISTS api_keys (
  id          text        NOT NULL PRIMARY KEY,
  sha256      text        NOT NULL UNIQUE,
  owner       text        NOT NULL,
  label       text        NOT NULL,
  scopes      text        NOT NULL,
  tier        text        NOT NULL,
  created_at  timestamptz NOT NULL,
  expires_at  timestamptz,
  revoked_at  timestamptz
);
