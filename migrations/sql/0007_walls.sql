-- Tables without a client. Nothing but what stands here: a role without a grant or a policy is
-- refused, or sees nothing. The owner, which installs and repairs, sees all of it.

CREATE TABLE reconcile_failure (
    stripe_account text NOT NULL,
    object_id text NOT NULL,
    kind text NOT NULL,
    why text NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_reconcile_failure PRIMARY KEY (stripe_account, object_id)
);

REVOKE ALL ON staff, staff_client, staff_session, stripe_event, watermark
  FROM portal_app, portal_worker;

CREATE FUNCTION app_staff_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('app.staff_id', true), '')::uuid $$;

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['staff', 'staff_client', 'staff_session', 'stripe_event',
    'watermark', 'reconcile_failure']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY of_owner ON %I TO CURRENT_USER USING (true)', name);
  END LOOP;
END $$;

-- The web sees the member of staff who is at the door or logged in, and changes no more than their
-- password's hash and their own log-ins.
CREATE POLICY of_staff ON staff TO portal_app USING (id = (SELECT app_staff_id()));
CREATE POLICY of_staff ON staff_client TO portal_app USING (staff_id = (SELECT app_staff_id()));
CREATE POLICY of_staff ON staff_session TO portal_app USING (staff_id = (SELECT app_staff_id()));
GRANT SELECT, UPDATE (password_hash) ON staff TO portal_app;
GRANT SELECT ON staff_client TO portal_app;
GRANT SELECT, INSERT, UPDATE (ended_at) ON staff_session TO portal_app;

-- Commands hire: they see whether an address is taken, and never a password's hash.
CREATE POLICY of_hiring ON staff TO portal_worker USING (true);
CREATE POLICY of_hiring ON staff_client TO portal_worker USING (true);
GRANT SELECT (id, email), INSERT ON staff TO portal_worker;
GRANT INSERT ON staff_client TO portal_worker;

-- The web puts Stripe's events in and reads none; workers read all but the bodies.
CREATE POLICY of_inbox ON stripe_event FOR INSERT TO portal_app WITH CHECK (handled_at IS NULL);
CREATE POLICY of_worker ON stripe_event TO portal_worker USING (true);
GRANT INSERT ON stripe_event TO portal_app;
GRANT SELECT (event_id, stripe_account, type, object_id, livemode, received_at, handled_at,
  outcome, attempts), UPDATE (handled_at, outcome, attempts) ON stripe_event TO portal_worker;

CREATE POLICY of_worker ON watermark TO portal_worker USING (true);
CREATE POLICY of_worker ON reconcile_failure TO portal_worker USING (true);
GRANT SELECT, INSERT, UPDATE ON watermark TO portal_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON reconcile_failure TO portal_worker;

-- Who is at the door is found by their address, who is logged in by their cookie: an id alone.
-- Timelines and threads name the staff in them.
CREATE POLICY resolve ON staff FOR SELECT TO portal_resolver USING (true);
CREATE POLICY resolve ON staff_session FOR SELECT TO portal_resolver USING (true);
GRANT SELECT (id, email, name) ON staff TO portal_resolver;
GRANT SELECT (staff_id, token_hash) ON staff_session TO portal_resolver;

CREATE FUNCTION resolve_staff(wanted text) RETURNS uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT id FROM staff WHERE email = wanted $$;

CREATE FUNCTION resolve_staff_session(wanted bytea) RETURNS uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT staff_id FROM staff_session WHERE token_hash = wanted $$;

CREATE FUNCTION resolve_staff_names(wanted uuid[]) RETURNS TABLE (staff_id uuid, name text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT id, name FROM staff WHERE id = ANY (wanted) $$;

GRANT CREATE ON SCHEMA public TO portal_resolver;
ALTER FUNCTION resolve_staff(text) OWNER TO portal_resolver;
ALTER FUNCTION resolve_staff_session(bytea) OWNER TO portal_resolver;
ALTER FUNCTION resolve_staff_names(uuid[]) OWNER TO portal_resolver;
REVOKE CREATE ON SCHEMA public FROM portal_resolver;

-- Only their owner can take these functions from everybody, so earlier revisions did not.
SET LOCAL ROLE portal_resolver;
REVOKE ALL ON FUNCTION resolve_clients(), resolve_link(text), resolve_link_code(bytea),
  resolve_debtor_session(bytea), resolve_contacts(text, text), resolve_payment(text, text),
  resolve_payer_link(text), resolve_texted(text), resolve_staff(text),
  resolve_staff_session(bytea), resolve_staff_names(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION resolve_clients(), resolve_link(text), resolve_link_code(bytea),
  resolve_debtor_session(bytea), resolve_contacts(text, text), resolve_payment(text, text),
  resolve_payer_link(text), resolve_texted(text)
  TO portal_app, portal_worker, SESSION_USER;
GRANT EXECUTE ON FUNCTION resolve_staff(text), resolve_staff_session(bytea),
  resolve_staff_names(uuid[]) TO portal_app, SESSION_USER;
RESET ROLE;
