-- The face of a client with the action color and the logo. The function stays its resolver's, who
-- alone may replace it, and keeps its grants.

GRANT SELECT (action_color, logo) ON client TO portal_resolver;
GRANT CREATE ON SCHEMA public TO portal_resolver;
SET LOCAL ROLE portal_resolver;

CREATE OR REPLACE FUNCTION resolve_debtor_session(wanted bytea)
  RETURNS TABLE (client_id uuid, session_id uuid, debtor_id uuid, link_id uuid, public_id text,
    locale text, identity_method text, ip text, user_agent text, started_at timestamptz,
    expires_at timestamptz, ended_at timestamptz, revoked_at timestamptz, face jsonb)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT visit.client_id, visit.id, visit.debtor_id, visit.link_id, link.public_id,
       link.locale, visit.identity_method, visit.ip, visit.user_agent, visit.started_at,
       visit.expires_at, visit.ended_at, link.revoked_at,
       jsonb_build_object('sender_name', client.sender_name, 'trade_name', client.trade_name,
         'street_address', client.street_address, 'phone', client.phone,
         'phone_hours', client.phone_hours, 'email', client.email,
         'license_line', client.license_line, 'country', client.country,
         'time_zone', client.time_zone, 'brand_color', client.brand_color,
         'action_color', client.action_color, 'logo', client.logo)
     FROM debtor_session AS visit
     JOIN access_link AS link ON link.client_id = visit.client_id AND link.id = visit.link_id
     JOIN client ON client.id = visit.client_id
     WHERE visit.token_hash = wanted $$;

RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM portal_resolver;
