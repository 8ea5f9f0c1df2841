-- What must be found before anybody's client is known. Each function answers one question with ids
-- alone, runs as portal_resolver, and that role sees only the columns it needs. A debtor's visit is
-- answered whole, with the client's face, so that a page needs no other query to let its reader in.

GRANT SELECT (id, slug, sender_name, trade_name, street_address, phone, phone_hours, email,
  license_line, country, time_zone, brand_color) ON client TO portal_resolver;
GRANT SELECT (client_id, id, public_id, code_hash, locale, revoked_at) ON access_link
  TO portal_resolver;
GRANT SELECT ON debtor_session TO portal_resolver;
GRANT SELECT (client_id, debtor_id, channel, address, retired_at) ON contact TO portal_resolver;
GRANT SELECT (client_id, id, intent_id, checkout_id, stripe_account) ON payment TO portal_resolver;

CREATE POLICY resolve ON client FOR SELECT TO portal_resolver USING (true);
CREATE POLICY resolve ON access_link FOR SELECT TO portal_resolver USING (true);
CREATE POLICY resolve ON debtor_session FOR SELECT TO portal_resolver USING (true);
CREATE POLICY resolve ON contact FOR SELECT TO portal_resolver USING (true);
CREATE POLICY resolve ON payment FOR SELECT TO portal_resolver USING (true);

CREATE FUNCTION resolve_clients() RETURNS TABLE (client_id uuid, slug text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT id, slug FROM client ORDER BY slug $$;

CREATE FUNCTION resolve_link(wanted text) RETURNS TABLE (client_id uuid, link_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT client_id, id FROM access_link WHERE public_id = wanted $$;

CREATE FUNCTION resolve_link_code(wanted bytea) RETURNS TABLE (client_id uuid, link_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT client_id, id FROM access_link WHERE code_hash = wanted $$;

CREATE FUNCTION resolve_debtor_session(wanted bytea)
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
         'time_zone', client.time_zone, 'brand_color', client.brand_color)
     FROM debtor_session AS visit
     JOIN access_link AS link ON link.client_id = visit.client_id AND link.id = visit.link_id
     JOIN client ON client.id = visit.client_id
     WHERE visit.token_hash = wanted $$;

CREATE FUNCTION resolve_contacts(by_channel text, wanted text)
  RETURNS TABLE (client_id uuid, debtor_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT client_id, debtor_id FROM contact
     WHERE channel = by_channel AND address = wanted AND retired_at IS NULL $$;

CREATE FUNCTION resolve_payment(on_account text, wanted text)
  RETURNS TABLE (client_id uuid, payment_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT client_id, id FROM payment
     WHERE stripe_account IS NOT DISTINCT FROM on_account
       AND (intent_id = wanted OR checkout_id = wanted) $$;

GRANT CREATE ON SCHEMA public TO portal_resolver;
ALTER FUNCTION resolve_clients() OWNER TO portal_resolver;
ALTER FUNCTION resolve_link(text) OWNER TO portal_resolver;
ALTER FUNCTION resolve_link_code(bytea) OWNER TO portal_resolver;
ALTER FUNCTION resolve_debtor_session(bytea) OWNER TO portal_resolver;
ALTER FUNCTION resolve_contacts(text, text) OWNER TO portal_resolver;
ALTER FUNCTION resolve_payment(text, text) OWNER TO portal_resolver;
REVOKE CREATE ON SCHEMA public FROM portal_resolver;
REVOKE ALL ON FUNCTION resolve_clients(), resolve_link(text), resolve_link_code(bytea),
  resolve_debtor_session(bytea), resolve_contacts(text, text), resolve_payment(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION resolve_clients(), resolve_link(text), resolve_link_code(bytea),
  resolve_debtor_session(bytea), resolve_contacts(text, text), resolve_payment(text, text)
  TO portal_app, portal_worker;
