-- What the operator's pages read of tables that the web otherwise cannot read: numbers, to a session
-- of an operator's and to no other.

GRANT SELECT (received_at, handled_at, outcome, attempts) ON stripe_event TO portal_resolver;
GRANT SELECT (id, task_name, status, scheduled_at, attempts, worker_id) ON procrastinate_jobs
  TO portal_resolver;
GRANT SELECT (job_id, at) ON procrastinate_events TO portal_resolver;
GRANT SELECT (id, last_heartbeat) ON procrastinate_workers TO portal_resolver;
GRANT EXECUTE ON FUNCTION app_staff_operates() TO portal_resolver;
CREATE POLICY resolve ON stripe_event FOR SELECT TO portal_resolver USING (true);

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
     WHERE app_staff_operates() AND j.status IN ('todo', 'doing', 'failed')
     GROUP BY j.task_name ORDER BY j.task_name $$;

CREATE FUNCTION operator_failed_jobs(most integer)
  RETURNS TABLE (job_id bigint, task_name text, attempts integer, failed_at timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT j.id, j.task_name, j.attempts,
       (SELECT max(e.at) FROM procrastinate_events AS e WHERE e.job_id = j.id)
     FROM procrastinate_jobs AS j
     WHERE app_staff_operates() AND j.status = 'failed' ORDER BY j.id DESC LIMIT most $$;

CREATE FUNCTION operator_workers() RETURNS TABLE (worker_id bigint, last_heartbeat timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT id, last_heartbeat FROM procrastinate_workers
     WHERE app_staff_operates() ORDER BY last_heartbeat DESC $$;

CREATE FUNCTION operator_webhooks(since timestamptz, most_attempts integer)
  RETURNS TABLE (newest timestamptz, received bigint, waiting bigint, oldest_waiting timestamptz,
    given_up bigint, refused bigint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT max(received_at), count(*) FILTER (WHERE received_at > since),
       count(*) FILTER (WHERE handled_at IS NULL AND attempts < most_attempts),
       min(received_at) FILTER (WHERE handled_at IS NULL AND attempts < most_attempts),
       count(*) FILTER (WHERE handled_at IS NULL AND attempts >= most_attempts),
       count(*) FILTER (WHERE received_at > since AND outcome LIKE 'refused%')
     FROM stripe_event WHERE app_staff_operates() $$;

GRANT CREATE ON SCHEMA public TO portal_resolver;
ALTER FUNCTION operator_jobs(interval) OWNER TO portal_resolver;
ALTER FUNCTION operator_failed_jobs(integer) OWNER TO portal_resolver;
ALTER FUNCTION operator_workers() OWNER TO portal_resolver;
ALTER FUNCTION operator_webhooks(timestamptz, integer) OWNER TO portal_resolver;
REVOKE CREATE ON SCHEMA public FROM portal_resolver;

SET LOCAL ROLE portal_resolver;
REVOKE ALL ON FUNCTION operator_jobs(interval), operator_failed_jobs(integer),
  operator_workers(), operator_webhooks(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION operator_jobs(interval),
  operator_failed_jobs(integer), operator_workers(), operator_webhooks(timestamptz, integer)
  TO portal_app, SESSION_USER;
RESET ROLE;
