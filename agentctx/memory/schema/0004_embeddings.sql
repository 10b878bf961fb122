-- What texts mean to an embedding model, for those who have set one: unit vectors of half-precision numbers (little
-- endian) in base64. Derived data: they can always be asked for again, so an export leaves them out.
CREATE TABLE IF NOT EXISTS embeddings (
  owner_id  uuid NOT NULL,
  model     text NOT NULL,
  tenant_id text NOT NULL,
  vector    text NOT NULL,
  PRIMARY KEY (owner_id, model)
);
CREATE INDEX IF NOT EXISTS embeddings_newest ON embeddings (tenant_id, model, owner_id);
