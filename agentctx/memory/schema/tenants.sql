-- The tenants profile of PostgreSQL: rows of other tenants do not exist for the application's role.
-- Run by the owner of the tables with `agentctx prepare-database`; safe to repeat. Each transaction says whose
-- it is (SET LOCAL agentctx.tenant); one that says nothing sees nothing.
ALTER TABLE namespaces ENABLE ROW LEVEL SECURITY;
ALTER TABLE namespaces FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own_rows ON namespaces;
CREATE POLICY own_rows ON namespaces
  USING (tenant_id = current_setting('agentctx.tenant', true))
  WITH CHECK (tenant_id = current_setting('agentctx.tenant', true));
ALTER TABLE episodes ENABLE ROW LEVEL SECURITY;
ALTER TABLE episodes FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own_rows ON episodes;
CREATE POLICY own_rows ON episodes
  USING (tenant_id = current_setting('agentctx.tenant', true))
  WITH CHECK (tenant_id = current_setting('agentctx.tenant', true));
ALTER TABLE facts ENABLE ROW LEVEL SECURITY;
ALTER TABLE facts FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own_rows ON facts;
CREATE POLICY own_rows ON facts
  USING (tenant_id = current_setting('agentctx.tenant', true))
  WITH CHECK (tenant_id = current_setting('agentctx.tenant', true));
ALTER TABLE working_context ENABLE ROW LEVEL SECURITY;
ALTER TABLE working_context FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own_rows ON working_context;
CREATE POLICY own_rows ON working_context
  USING (tenant_id = current_setting('agentctx.tenant', true))
  WITH CHECK (tenant_id = current_setting('agentctx.tenant', true));
ALTER TABLE erasures ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasures FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own_rows ON erasures;
CREATE POLICY own_rows ON erasures
  USING (tenant_id = current_setting('agentctx.tenant', true))
  WITH CHECK (tenant_id = current_setting('agentctx.tenant', true));
ALTER TABLE embeddings ENABLE ROW LEVEL SECURITY;
ALTER TABLE embeddings FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own_rows ON embeddings;
CREATE POLICY own_rows ON embeddings
  USING (tenant_id = current_setting('agentctx.tenant', true))
  WITH CHECK (tenant_id = current_setting('agentctx.tenant', true));
ALTER TABLE removals ENABLE ROW LEVEL SECURITY;
ALTER TABLE removals FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own_rows ON removals;
CREATE POLICY own_rows ON removals
  USING (tenant_id = current_setting('agentctx.tenant', true))
  WITH CHECK (tenant_id = current_setting('agentctx.tenant', true));
-- These two belong to the tenant of the row they point at; what that row's policy hides, they hide.
ALTER TABLE fact_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE fact_heads FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own_rows ON fact_heads;
CREATE POLICY own_rows ON fact_heads
  USING (EXISTS (SELECT 1 FROM namespaces n WHERE n.id = namespace_id))
  WITH CHECK (EXISTS (SELECT 1 FROM namespaces n WHERE n.id = namespace_id));
ALTER TABLE fact_sources ENABLE ROW LEVEL SECURITY;
ALTER TABLE fact_sources FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own_rows ON fact_sources;
CREATE POLICY own_rows ON fact_sources
  USING (EXISTS (SELECT 1 FROM facts f WHERE f.id = fact_id))
  WITH CHECK (EXISTS (SELECT 1 FROM facts f WHERE f.id = fact_id));
