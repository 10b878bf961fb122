-- The tables of Stash that an export fills, with its keys, sequences and obligatory columns.
CREATE TABLE namespaces (
  id bigserial PRIMARY KEY, slug text NOT NULL UNIQUE, name text NOT NULL, description text NOT NULL DEFAULT '',
  persona text NOT NULL DEFAULT '', created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE settings (key text PRIMARY KEY, value text NOT NULL, updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE episodes (
  id bigserial PRIMARY KEY, namespace_id bigint NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
  content text NOT NULL, embedding public.vector(3), embedding_model text NOT NULL,
  occurred_at timestamptz NOT NULL DEFAULT now(), created_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz
);
CREATE TABLE facts (
  id bigserial PRIMARY KEY, namespace_id bigint NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
  content text NOT NULL, embedding public.vector(3), embedding_model text NOT NULL,
  confidence real NOT NULL CHECK (confidence >= 0 AND confidence <= 1), entity text, property text, value text,
  valid_from timestamptz, valid_until timestamptz, metadata jsonb, created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(), deleted_at timestamptz
);
CREATE TABLE fact_sources (
  fact_id bigint NOT NULL REFERENCES facts (id) ON DELETE CASCADE,
  episode_id bigint NOT NULL REFERENCES episodes (id) ON DELETE CASCADE, PRIMARY KEY (fact_id, episode_id)
);
CREATE TABLE contradictions (
  id bigserial PRIMARY KEY, namespace_id bigint NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
  old_fact_id bigint NOT NULL REFERENCES facts (id) ON DELETE CASCADE,
  new_fact_id bigint NOT NULL REFERENCES facts (id) ON DELETE CASCADE,
  entity text NOT NULL, property text NOT NULL, old_value text NOT NULL, new_value text NOT NULL,
  confidence real NOT NULL, method text NOT NULL, resolved boolean NOT NULL DEFAULT false, resolution text,
  resolved_at timestamptz, created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE contexts (
  namespace_id bigint PRIMARY KEY REFERENCES namespaces (id) ON DELETE CASCADE, focus text NOT NULL,
  expires_at timestamptz NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
