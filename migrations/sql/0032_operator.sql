-- What staff did that is on no account's record, and what the operator's pages read of tables that
-- the web otherwise cannot read: numbers and names, to a session of an operator's and to no other.

CREATE TABLE staff_event (
    id uuid NOT NULL,
    staff_id uuid,
    client_id uuid,
    at timestamp with time zone NOT NULL,
    kind varchar(40) NOT NULL,
    detail jsonb NOT NULL,
    ip text,
    CONSTRAINT pk_staff_event PRIMARY KEY (id),
    CONSTRAINT fk_staff_event_staff_id FOREIGN KEY (staff_id) REFERENCES staff (id),
    CONSTRAINT fk_staff_event_client_id FOREIGN KEY (client_id) REFERENCES client (id)
);
CREATE INDEX ix_staff_event_at ON staff_event (at, id);
CREATE INDEX ix_staff_event_staff ON staff_event (staff_id, kind, at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON staff_event
  FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON staff_event
  FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();

ALTER TABLE staff_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE staff_event FORCE ROW LEVEL SECURITY;

-- Asked by the web, which sees the row of the member of staff who reads the page, and by the
-- functions below.
CREATE FUNCTION app_is_operator() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT EXISTS (SELECT FROM staff
     WHERE id = app_staff_id() AND role = 'operator' AND disabled_at IS NULL) $$;

CREATE POLICY of_owner ON staff_event TO CURRENT_USER USING (true);
CREATE POLICY of_worker ON staff_event TO portal_worker USING (true);
CREATE POLICY of_reader ON staff_event FOR SELECT TO portal_app
  USING (staff_id = (SELECT app_staff_id()) OR (SELECT app_is_operator()));
CREATE POLICY of_writer ON staff_event FOR INSERT TO portal_app
  WITH CHECK (staff_id IS NULL OR staff_id = (SELECT app_staff_id()));
GRANT SELECT, INSERT ON staff_event TO portal_app, portal_worker;

GRANT SELECT (created_at) ON staff TO portal_resolver;
GRANT SELECT (started_at) ON staff_session TO portal_resolver;
GRANT SELECT (received_at, handled_at, outcome, attempts) ON stripe_event TO portal_resolver;
GRANT SELECT (id, task_name, status, scheduled_at, attempts, worker_id) ON procrastinate_jobs
  TO portal_resolver;
GRANT SELECT (job_id, at) ON procrastinate_events TO portal_resolver;
GRANT SELECT (id, last_heartbeat) ON procrastinate_workers TO portal_resolver;
CREATE POLICY resolve ON stripe_event FOR SELECT TO portal_resolver USING (true);

CREATE FUNCTION operator_staff() RETURNS TABLE (staff_id uuid, name text, email text, role text,
    client_ids uuid[], created_at timestamptz, disabled_at timestamptz, last_log_in timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT s.id, s.name, s.email, s.role,
       array(SELECT c.client_id FROM staff_client AS c WHERE c.staff_id = s.id),
       s.created_at, s.disabled_at,
       (SELECT max(l.started_at) FROM staff_session AS l WHERE l.staff_id = s.id)
     FROM staff AS s WHERE app_is_operator() ORDER BY s.name, s.id $$;

-- A job that runs is stalled where its worker is gone or has been silent. ``since``: when the oldest
-- of them could have begun.
CREATE FUNCTION operator_jobs(silent interval) RETURNS TABLE (task_name text, queued bigint,
    running bigint, stalled bigint, failed bigint, since timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT j.task_name,
       count(*) FILTER (WHERE j.status = 'todo'),
       count(*) FILTER (WHERE j.status = 'doing' AND w.last_heartbeat > now() - silent),
       count(*) FILTER (WHERE j.status = 'doing' AND w.last_heartbeat > now() - silent IS NOT true),
       count(*) FILTER (WHERE j.status = 'failed'),
       min(coalesce(j.scheduled_at, e.at)) FILTER (WHERE j.status = 'todo')
     FROM procrastinate_jobs AS j
     LEFT JOIN procrastinate_workers AS w ON w.id = j.worker_id
     LEFT JOIN LATERAL (SELECT min(at) AS at FROM procrastinate_events WHERE job_id = j.id) AS e
       ON j.status = 'todo'
     WHERE app_is_operator() AND j.status IN ('todo', 'doing', 'failed')
     GROUP BY j.task_name ORDER BY j.task_name $$;

CREATE FUNCTION operator_failed_jobs(most integer)
  RETURNS TABLE (job_id bigint, task_name text, attempts integer, failed_at timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT j.id, j.task_name, j.attempts,
       (SELECT max(e.at) FROM procrastinate_events AS e WHERE e.job_id = j.id)
     FROM procrastinate_jobs AS j
     WHERE app_is_operator() AND j.status = 'failed' ORDER BY j.id DESC LIMIT most $$;

CREATE FUNCTION operator_workers() RETURNS TABLE (worker_id bigint, last_heartbeat timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT id, last_heartbeat FROM procrastinate_workers
     WHERE app_is_operator() ORDER BY last_heartbeat DESC $$;

CREATE FUNCTION operator_webhooks(since timestamptz, most_attempts integer)
  RETURNS TABLE (newest timestamptz, received bigint, waiting bigint, oldest_waiting timestamptz,
    given_up bigint, refused bigint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT max(received_at), count(*) FILTER (WHERE received_at > since),
       count(*) FILTER (WHERE handled_at IS NULL AND attempts < most_attempts),
       min(received_at) FILTER (WHERE handled_at IS NULL AND attempts < most_attempts),
       count(*) FILTER (WHERE handled_at IS NULL AND attempts >= most_attempts),
       count(*) FILTER (WHERE received_at > since AND outcome LIKE 'refused%')
     FROM stripe_event WHERE app_is_operator() $$;

GRANT CREATE ON SCHEMA public TO portal_resolver;
ALTER FUNCTION operator_staff() OWNER TO portal_resolver;
ALTER FUNCTION operator_jobs(interval) OWNER TO portal_resolver;
ALTER FUNCTION operator_failed_jobs(integer) OWNER TO portal_resolver;
ALTER FUNCTION operator_workers() OWNER TO portal_resolver;
ALTER FUNCTION operator_webhooks(timestamptz, integer) OWNER TO portal_resolver;
REVOKE CREATE ON SCHEMA public FROM portal_resolver;

SET LOCAL ROLE portal_resolver;
REVOKE ALL ON FUNCTION operator_staff(), operator_jobs(interval), operator_failed_jobs(integer),
  operator_workers(), operator_webhooks(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION operator_staff(), operator_jobs(interval),
  operator_failed_jobs(integer), operator_workers(), operator_webhooks(timestamptz, integer)
  TO portal_app, SESSION_USER;
RESET ROLE;
