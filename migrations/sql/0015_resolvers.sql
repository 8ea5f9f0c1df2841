-- What anybody may read: the keys that checkpoints are verified with, and the newest checkpoint.

GRANT SELECT ON log_key, checkpoint TO portal_resolver;
CREATE POLICY resolve ON log_key FOR SELECT TO portal_resolver USING (true);
CREATE POLICY resolve ON checkpoint FOR SELECT TO portal_resolver USING (true);

CREATE FUNCTION published_log_keys() RETURNS TABLE (line text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT line FROM log_key ORDER BY client_id, first_at $$;

CREATE FUNCTION published_checkpoint(of_client uuid) RETURNS TABLE (note text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT note FROM checkpoint WHERE client_id = of_client ORDER BY size DESC LIMIT 1 $$;

GRANT CREATE ON SCHEMA public TO portal_resolver;
ALTER FUNCTION published_log_keys() OWNER TO portal_resolver;
ALTER FUNCTION published_checkpoint(uuid) OWNER TO portal_resolver;
REVOKE CREATE ON SCHEMA public FROM portal_resolver;
SET LOCAL ROLE portal_resolver;
REVOKE ALL ON FUNCTION published_log_keys(), published_checkpoint(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION published_log_keys(), published_checkpoint(uuid)
  TO portal_app, portal_worker, SESSION_USER;
RESET ROLE;
