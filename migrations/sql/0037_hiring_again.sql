-- An invitation holds as long as whoever sent it may still invite, one that ran out gives its
-- address free, and two who change one person at once hear of each other.

-- Who may invite whom: hiring.MAY_INVITE, held equal to it by a test.
CREATE FUNCTION staff_could_invite(inviter uuid, wanted_role text, wanted uuid[]) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT EXISTS (SELECT FROM staff one
    WHERE one.id = inviter AND one.disabled_at IS NULL AND (one.role = 'operator' OR (
      (one.role = 'supervisor' AND wanted_role = 'agent'
        OR one.role = 'client_admin' AND wanted_role IN ('client_admin', 'client_viewer'))
      AND cardinality(wanted) > 0 AND wanted <@ ARRAY(
        SELECT mine.client_id FROM staff_client mine WHERE mine.staff_id = one.id))))
$$;

CREATE OR REPLACE FUNCTION staff_may_invite(wanted_role text, wanted uuid[]) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT staff_could_invite(app_staff_id(), wanted_role, wanted) $$;

-- Whoever sends an invitation again answers for it from then on.
DROP POLICY of_inviter ON staff_invitation;
CREATE POLICY of_inviter ON staff_invitation FOR SELECT TO portal_app
  USING (staff_may_invite(role, client_ids));
CREATE POLICY inviting ON staff_invitation FOR INSERT TO portal_app
  WITH CHECK (staff_may_invite(role, client_ids) AND invited_by = app_staff_id());
CREATE POLICY inviting_again ON staff_invitation FOR UPDATE TO portal_app
  USING (staff_may_invite(role, client_ids))
  WITH CHECK (staff_may_invite(role, client_ids)
    AND (revoked_at IS NOT NULL OR invited_by = app_staff_id()));
GRANT UPDATE (invited_by) ON staff_invitation TO portal_app;

-- Give the address of an invitation that ran out free, whoever's it was; tells nothing of it.
CREATE FUNCTION free_invited_address(address text, at timestamptz) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
  UPDATE staff_invitation SET revoked_at = at
  WHERE email = address AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at <= at
$$;

-- Take back what somebody sent and may not send any more; what it was, for the audit.
CREATE FUNCTION revoke_invitations_of(inviter uuid, at timestamptz)
  RETURNS TABLE (email text, role text)
  LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
  UPDATE staff_invitation i SET revoked_at = at
  WHERE i.invited_by = inviter AND i.accepted_at IS NULL AND i.revoked_at IS NULL
    AND NOT staff_could_invite(inviter, i.role, i.client_ids)
  RETURNING i.email, i.role
$$;

DROP FUNCTION invitation_of(uuid);
-- What an invitation says to whoever holds its link, and whether its sender may still invite.
CREATE FUNCTION invitation_of(wanted uuid) RETURNS TABLE (email text, name text, role text,
    sends integer, expires_at timestamptz, accepted_at timestamptz, revoked_at timestamptz,
    vouched boolean)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT i.email, i.name, i.role, i.sends, i.expires_at, i.accepted_at, i.revoked_at,
    i.invited_by IS NULL OR staff_could_invite(i.invited_by, i.role, i.client_ids)
  FROM staff_invitation i WHERE i.id = wanted
$$;

-- Hire exactly who was invited, once; false where the invitation is over, or its sender may not
-- invite any more. The sender is locked first, as by change_staff.
CREATE OR REPLACE FUNCTION accept_invitation(wanted uuid, new_id uuid, hashed text, at timestamptz)
  RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE found_one staff_invitation;
BEGIN
  PERFORM FROM staff s JOIN staff_invitation i ON i.invited_by = s.id
  WHERE i.id = wanted FOR SHARE OF s;
  UPDATE staff_invitation i SET accepted_at = at, staff_id = new_id
  WHERE i.id = wanted AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > at
    AND (i.invited_by IS NULL OR staff_could_invite(i.invited_by, i.role, i.client_ids))
    AND NOT EXISTS (SELECT FROM staff s WHERE s.email = i.email)
  RETURNING * INTO found_one;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO staff (id, email, name, role, password_hash, created_at, password_set_at)
  VALUES (new_id, found_one.email, found_one.name, found_one.role, hashed, at, at);
  INSERT INTO staff_client (staff_id, client_id) SELECT new_id, unnest(found_one.client_ids);
  RETURN true;
END $$;

DROP FUNCTION change_staff(uuid, text, timestamptz);
-- Give somebody in reach a role, or disable them, unless they are not as they were seen.
CREATE FUNCTION change_staff(wanted uuid, seen_role text, seen_disabled_at timestamptz,
    new_role text, new_disabled_at timestamptz)
  RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  PERFORM FROM staff WHERE staff.id IN (wanted, app_staff_id()) ORDER BY staff.id
  FOR NO KEY UPDATE;
  IF NOT EXISTS (SELECT FROM staff_in_reach() AS one WHERE one.id = wanted)
    OR new_role = 'operator' AND NOT app_staff_operates()
  THEN RETURN 'out of reach'; END IF;
  UPDATE staff SET role = new_role, disabled_at = new_disabled_at
  WHERE staff.id = wanted AND staff.role = seen_role
    AND staff.disabled_at IS NOT DISTINCT FROM seen_disabled_at;
  RETURN CASE WHEN FOUND THEN 'changed' ELSE 'changed before' END;
END $$;

REVOKE ALL ON FUNCTION staff_could_invite(uuid, text, uuid[]), free_invited_address(text, timestamptz),
  revoke_invitations_of(uuid, timestamptz), invitation_of(uuid),
  change_staff(uuid, text, timestamptz, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION free_invited_address(text, timestamptz),
  revoke_invitations_of(uuid, timestamptz), invitation_of(uuid),
  change_staff(uuid, text, timestamptz, text, timestamptz) TO portal_app;
GRANT EXECUTE ON FUNCTION staff_could_invite(uuid, text, uuid[]) TO portal_app, portal_worker;
GRANT EXECUTE ON FUNCTION free_invited_address(text, timestamptz) TO portal_worker;

-- What was sent before by people who may not invite any more.
UPDATE staff_invitation i SET revoked_at = now()
WHERE i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.invited_by IS NOT NULL
  AND NOT staff_could_invite(i.invited_by, i.role, i.client_ids);
