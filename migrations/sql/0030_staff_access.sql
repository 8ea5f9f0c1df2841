-- How staff come in. The web still writes neither a role nor a person: it asks a function of the
-- owner, which knows who is logged in (app.staff_id) and whom they may reach.

ALTER TABLE staff ADD COLUMN password_set_at timestamp with time zone NOT NULL DEFAULT now();
UPDATE staff SET password_set_at = created_at;
ALTER TABLE staff_session ADD COLUMN proved_at timestamp with time zone NOT NULL DEFAULT now();

CREATE TABLE staff_second_step (
    staff_id uuid NOT NULL,
    master text,
    sealed bytea,
    last_step bigint NOT NULL,
    enrolled_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_staff_second_step PRIMARY KEY (staff_id),
    CONSTRAINT fk_staff_second_step_staff_id FOREIGN KEY (staff_id) REFERENCES staff (id)
);

CREATE TABLE staff_recovery_code (
    staff_id uuid NOT NULL,
    code_hash bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    spent_at timestamp with time zone,
    CONSTRAINT pk_staff_recovery_code PRIMARY KEY (staff_id, code_hash),
    CONSTRAINT fk_staff_recovery_code_staff_id FOREIGN KEY (staff_id) REFERENCES staff (id)
);

CREATE TABLE staff_invitation (
    id uuid NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    role varchar(40) NOT NULL,
    client_ids uuid[] NOT NULL,
    invited_by uuid,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    sends integer NOT NULL,
    accepted_at timestamp with time zone,
    revoked_at timestamp with time zone,
    staff_id uuid,
    CONSTRAINT pk_staff_invitation PRIMARY KEY (id)
);
CREATE UNIQUE INDEX uq_staff_invitation_open ON staff_invitation (email)
  WHERE accepted_at IS NULL AND revoked_at IS NULL;

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

CREATE TABLE held_form (
    staff_id uuid NOT NULL,
    id uuid NOT NULL,
    path text NOT NULL,
    sealed bytea NOT NULL,
    held_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_held_form PRIMARY KEY (staff_id, id),
    CONSTRAINT fk_held_form_staff_id FOREIGN KEY (staff_id) REFERENCES staff (id)
);

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['staff_second_step', 'staff_recovery_code', 'staff_invitation',
    'staff_event', 'held_form']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY of_owner ON %I TO CURRENT_USER USING (true)', name);
  END LOOP;
END $$;

-- Whom the member of staff who is logged in may look after: an operator everybody, a client admin
-- and a supervisor whoever works for no other clients than theirs; nobody themselves.
CREATE FUNCTION staff_in_reach() RETURNS TABLE (id uuid, email text, name text, role text,
    created_at timestamptz, disabled_at timestamptz, client_ids uuid[], enrolled boolean,
    seen_at timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT s.id, s.email, s.name, s.role, s.created_at, s.disabled_at,
    ARRAY(SELECT c.client_id FROM staff_client c WHERE c.staff_id = s.id ORDER BY 1),
    EXISTS (SELECT FROM staff_second_step f WHERE f.staff_id = s.id AND f.sealed IS NOT NULL),
    (SELECT max(l.started_at) FROM staff_session l WHERE l.staff_id = s.id)
  FROM staff me JOIN staff s ON s.id <> me.id
  WHERE me.id = app_staff_id() AND me.disabled_at IS NULL AND (me.role = 'operator' OR (
    me.role IN ('client_admin', 'supervisor') AND s.role <> 'operator'
    AND EXISTS (SELECT FROM staff_client c WHERE c.staff_id = s.id)
    AND NOT EXISTS (
      SELECT FROM staff_client c WHERE c.staff_id = s.id AND c.client_id NOT IN (
        SELECT mine.client_id FROM staff_client mine WHERE mine.staff_id = me.id))))
$$;

CREATE FUNCTION staff_may_invite(wanted_role text, wanted uuid[]) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT EXISTS (SELECT FROM staff me
    WHERE me.id = app_staff_id() AND me.disabled_at IS NULL AND (me.role = 'operator' OR (
      me.role IN ('client_admin', 'supervisor') AND wanted_role <> 'operator'
      AND cardinality(wanted) > 0 AND wanted <@ ARRAY(
        SELECT mine.client_id FROM staff_client mine WHERE mine.staff_id = me.id))))
$$;

-- Whether somebody works here under this address, for whoever invites.
CREATE FUNCTION staff_has(address text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT EXISTS (SELECT FROM staff WHERE email = address) $$;

CREATE FUNCTION app_staff_operates() RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT EXISTS (SELECT FROM staff
    WHERE id = app_staff_id() AND role = 'operator' AND disabled_at IS NULL)
$$;

-- Give somebody in reach a role, or disable them; false where they are out of reach.
CREATE FUNCTION change_staff(wanted uuid, new_role text, new_disabled_at timestamptz)
  RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  UPDATE staff SET role = new_role, disabled_at = new_disabled_at
  WHERE staff.id = wanted AND staff.id IN (SELECT one.id FROM staff_in_reach() AS one)
    AND (new_role <> 'operator' OR app_staff_operates());
  RETURN FOUND;
END $$;

-- What an invitation says to whoever holds its link.
CREATE FUNCTION invitation_of(wanted uuid) RETURNS TABLE (email text, name text, role text,
    sends integer, expires_at timestamptz, accepted_at timestamptz, revoked_at timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT i.email, i.name, i.role, i.sends, i.expires_at, i.accepted_at, i.revoked_at
  FROM staff_invitation i WHERE i.id = wanted
$$;

-- Hire exactly who was invited, once; false where the invitation is over.
CREATE FUNCTION accept_invitation(wanted uuid, new_id uuid, hashed text, at timestamptz)
  RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE found_one staff_invitation;
BEGIN
  UPDATE staff_invitation i SET accepted_at = at, staff_id = new_id
  WHERE i.id = wanted AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > at
    AND NOT EXISTS (SELECT FROM staff s WHERE s.email = i.email)
  RETURNING * INTO found_one;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO staff (id, email, name, role, password_hash, created_at, password_set_at)
  VALUES (new_id, found_one.email, found_one.name, found_one.role, hashed, at, at);
  INSERT INTO staff_client (staff_id, client_id) SELECT new_id, unnest(found_one.client_ids);
  RETURN true;
END $$;

REVOKE ALL ON FUNCTION staff_in_reach(), staff_may_invite(text, uuid[]), app_staff_operates(), staff_has(text),
  change_staff(uuid, text, timestamptz), invitation_of(uuid),
  accept_invitation(uuid, uuid, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION staff_in_reach(), staff_may_invite(text, uuid[]), app_staff_operates(), staff_has(text),
  change_staff(uuid, text, timestamptz), invitation_of(uuid),
  accept_invitation(uuid, uuid, text, timestamptz) TO portal_app;

-- The web, at a page of one member of staff.
GRANT UPDATE (password_set_at) ON staff TO portal_app;
GRANT UPDATE (proved_at) ON staff_session TO portal_app;
CREATE POLICY of_staff ON staff_second_step TO portal_app
  USING (staff_id = (SELECT app_staff_id()));
CREATE POLICY of_staff ON staff_recovery_code TO portal_app
  USING (staff_id = (SELECT app_staff_id()));
CREATE POLICY of_staff ON held_form TO portal_app USING (staff_id = (SELECT app_staff_id()));
GRANT SELECT, INSERT, UPDATE (master, sealed, last_step, enrolled_at)
  ON staff_second_step TO portal_app;
GRANT SELECT, INSERT, UPDATE (spent_at) ON staff_recovery_code TO portal_app;
GRANT SELECT, INSERT, DELETE ON held_form TO portal_app;

CREATE POLICY of_inviter ON staff_invitation TO portal_app
  USING (staff_may_invite(role, client_ids))
  WITH CHECK (staff_may_invite(role, client_ids));
GRANT SELECT, INSERT, UPDATE (sends, expires_at, revoked_at) ON staff_invitation TO portal_app;

-- Each reads their own audit, and that of the people in their reach; an operator all of it.
CREATE POLICY reading ON staff_event FOR SELECT TO portal_app USING (
  staff_id = (SELECT app_staff_id()) OR (SELECT app_staff_operates())
  OR staff_id = ANY (ARRAY(SELECT one.id FROM staff_in_reach() AS one)));
CREATE POLICY noting ON staff_event FOR INSERT TO portal_app WITH CHECK (true);
GRANT SELECT, INSERT ON staff_event TO portal_app;

GRANT EXECUTE ON FUNCTION staff_has(text) TO portal_worker;

-- Commands invite, and give back what a lost telephone took; jobs write the e-mails.
CREATE POLICY of_hiring ON staff_invitation TO portal_worker USING (true);
CREATE POLICY of_hiring ON staff_event TO portal_worker USING (true);
CREATE POLICY of_hiring ON staff_second_step TO portal_worker USING (true);
CREATE POLICY of_hiring ON staff_recovery_code TO portal_worker USING (true);
CREATE POLICY of_hiring ON staff_session TO portal_worker USING (true);
GRANT SELECT, INSERT ON staff_invitation TO portal_worker;
GRANT SELECT, INSERT ON staff_event TO portal_worker;
GRANT SELECT, INSERT, UPDATE (master, sealed, last_step, enrolled_at)
  ON staff_second_step TO portal_worker;
GRANT SELECT (staff_id, spent_at), UPDATE (spent_at) ON staff_recovery_code TO portal_worker;
GRANT SELECT (id, staff_id, ended_at), UPDATE (ended_at) ON staff_session TO portal_worker;
GRANT SELECT (name, password_set_at, disabled_at) ON staff TO portal_worker;
