-- The three layers of memory in the portable core: what every PostgreSQL-compatible engine and SQLite understand.
-- No extension, sequence, trigger, array, enum, partial or expression index, default beyond a constant.
-- Ids are made by the client. Times are stored in UTC.
-- World time is [valid_at, invalid_at). System time is [recorded_at, retired_at): retired_at is the moment
-- at which we learnt that a fact had ended at invalid_at.

CREATE TABLE IF NOT EXISTS agentctx_migrations (
  version     integer     NOT NULL PRIMARY KEY,
  name        text        NOT NULL,
  checksum    text        NOT NULL,
  applied_at  timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- One row a path. The id is derived from tenant and path, so two writers that create a namespace agree on it.
CREATE TABLE IF NOT EXISTS namespaces (
  id          uuid        NOT NULL PRIMARY KEY,
  tenant_id   text        NOT NULL,
  path        text        NOT NULL,
  description text        NOT NULL DEFAULT '',
  created_at  timestamptz NOT NULL,
  UNIQUE (tenant_id, path)
);

CREATE TABLE IF NOT EXISTS episodes (
  id             uuid        NOT NULL PRIMARY KEY,
  tenant_id      text        NOT NULL,
  namespace_id   uuid        NOT NULL REFERENCES namespaces (id),
  kind           text        NOT NULL CHECK (kind IN ('message', 'tool', 'event', 'commit', 'note')),
  actor          text        NOT NULL,
  session_id     text,
  turn           bigint,
  subject_id     text,
  content        text        NOT NULL,
  content_sha256 text        NOT NULL,
  metadata       jsonb       NOT NULL,
  git_commit     text,
  git_branch     text,
  git_path       text,
  occurred_at    timestamptz NOT NULL,
  recorded_at    timestamptz NOT NULL,
  expires_at     timestamptz
);
CREATE INDEX IF NOT EXISTS episodes_recent  ON episodes (namespace_id, occurred_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS episodes_session ON episodes (namespace_id, session_id, turn);
CREATE INDEX IF NOT EXISTS episodes_subject ON episodes (tenant_id, subject_id);
CREATE INDEX IF NOT EXISTS episodes_expiry  ON episodes (expires_at);

CREATE TABLE IF NOT EXISTS facts (
  id              uuid             NOT NULL PRIMARY KEY,
  tenant_id       text             NOT NULL,
  namespace_id    uuid             NOT NULL REFERENCES namespaces (id),
  entity          text             NOT NULL,
  property        text             NOT NULL,
  value           jsonb            NOT NULL,
  statement       text             NOT NULL,
  confidence      double precision NOT NULL CHECK (confidence >= 0 AND confidence <= 1),
  status          text             NOT NULL
                  CHECK (status IN ('active', 'superseded', 'retracted', 'disputed', 'expired')),
  origin          text             NOT NULL CHECK (origin IN ('human', 'agent', 'llm', 'git', 'import')),
  extractor       text             NOT NULL,
  valid_at        timestamptz      NOT NULL,
  invalid_at      timestamptz,
  recorded_at     timestamptz      NOT NULL,
  retired_at      timestamptz,
  expires_at      timestamptz,
  superseded_by   uuid,
  subject_id      text,
  git_commit      text,
  git_path        text,
  git_blob        text,
  verified_at     timestamptz,
  verified_commit text,
  metadata        jsonb            NOT NULL
);
CREATE INDEX IF NOT EXISTS facts_key     ON facts (namespace_id, entity, property, valid_at DESC);
CREATE INDEX IF NOT EXISTS facts_status  ON facts (namespace_id, status);
CREATE INDEX IF NOT EXISTS facts_subject ON facts (tenant_id, subject_id);
CREATE INDEX IF NOT EXISTS facts_path    ON facts (namespace_id, git_path);
CREATE INDEX IF NOT EXISTS facts_expiry  ON facts (expires_at);

-- The one current fact of a key, and the version that a compare-and-swap names.
CREATE TABLE IF NOT EXISTS fact_heads (
  namespace_id uuid   NOT NULL REFERENCES namespaces (id),
  entity       text   NOT NULL,
  property     text   NOT NULL,
  fact_id      uuid   NOT NULL REFERENCES facts (id),
  version      bigint NOT NULL,
  PRIMARY KEY (namespace_id, entity, property)
);
CREATE INDEX IF NOT EXISTS fact_heads_fact ON fact_heads (fact_id);

CREATE TABLE IF NOT EXISTS fact_sources (
  fact_id uuid NOT NULL REFERENCES facts (id),
  kind    text NOT NULL CHECK (kind IN ('episode', 'note', 'commit', 'url')),
  ref     text NOT NULL,
  PRIMARY KEY (fact_id, kind, ref)
);
CREATE INDEX IF NOT EXISTS fact_sources_ref ON fact_sources (kind, ref);

CREATE TABLE IF NOT EXISTS working_context (
  namespace_id uuid        NOT NULL REFERENCES namespaces (id),
  session_id   text        NOT NULL,
  key          text        NOT NULL,
  tenant_id    text        NOT NULL,
  value        jsonb       NOT NULL,
  version      bigint      NOT NULL,
  updated_at   timestamptz NOT NULL,
  expires_at   timestamptz,
  PRIMARY KEY (namespace_id, session_id, key)
);
CREATE INDEX IF NOT EXISTS working_context_expiry ON working_context (expires_at);

-- Receipts of erasure. They name the data subject by a digest only.
CREATE TABLE IF NOT EXISTS erasures (
  id             uuid        NOT NULL PRIMARY KEY,
  tenant_id      text        NOT NULL,
  subject_sha256 text        NOT NULL,
  reason         text        NOT NULL,
  counts         jsonb       NOT NULL,
  executed_at    timestamptz NOT NULL,
  receipt_sha256 text        NOT NULL
);
