-- Each word of a carrier about a message of ours is a row, written once. What is about no message of
-- ours is kept apart, without anybody's address.

CREATE TABLE delivery (
  client_id UUID NOT NULL,
  id UUID NOT NULL,
  message_id UUID NOT NULL,
  carrier TEXT NOT NULL,
  event_id TEXT NOT NULL,
  kind VARCHAR(40) NOT NULL,
  code TEXT NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  received_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_delivery PRIMARY KEY (client_id, id),
  CONSTRAINT fk_delivery_client_id FOREIGN KEY (client_id) REFERENCES client (id),
  CONSTRAINT fk_delivery_client_id_message_id
    FOREIGN KEY (client_id, message_id) REFERENCES message (client_id, id),
  CONSTRAINT uq_delivery_client_id_carrier_event_id UNIQUE (client_id, carrier, event_id)
);
CREATE INDEX ix_delivery_message ON delivery (client_id, message_id);

CREATE TABLE stray_delivery (
  id UUID NOT NULL,
  carrier TEXT NOT NULL,
  event_id TEXT NOT NULL,
  kind VARCHAR(40) NOT NULL,
  code TEXT NOT NULL,
  domain TEXT,
  received_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_stray_delivery PRIMARY KEY (id),
  CONSTRAINT uq_stray_delivery_carrier_event_id UNIQUE (carrier, event_id)
);

ALTER TABLE delivery ENABLE ROW LEVEL SECURITY;
ALTER TABLE delivery FORCE ROW LEVEL SECURITY;
CREATE POLICY of_client ON delivery TO portal_app, portal_worker, CURRENT_USER
  USING (client_id = ANY ((SELECT app_client_ids())::uuid[]))
  WITH CHECK (client_id = ANY ((SELECT app_client_ids())::uuid[]));
GRANT SELECT, INSERT ON delivery TO portal_app, portal_worker;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON delivery
  FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON delivery
  FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();

ALTER TABLE stray_delivery ENABLE ROW LEVEL SECURITY;
ALTER TABLE stray_delivery FORCE ROW LEVEL SECURITY;
CREATE POLICY put_in ON stray_delivery FOR INSERT TO portal_app, portal_worker WITH CHECK (true);
CREATE POLICY read ON stray_delivery FOR SELECT TO portal_worker, CURRENT_USER USING (true);
GRANT INSERT ON stray_delivery TO portal_app, portal_worker;
GRANT SELECT ON stray_delivery TO portal_worker;

-- A carrier gives back the id of our message, before anybody's client is known.
CREATE INDEX ix_message_id ON message (id);
GRANT SELECT (client_id, id) ON message TO portal_resolver;
CREATE POLICY resolve ON message FOR SELECT TO portal_resolver USING (true);
CREATE FUNCTION resolve_message(wanted uuid) RETURNS TABLE (client_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
  $$ SELECT client_id FROM message WHERE id = wanted $$;
GRANT CREATE ON SCHEMA public TO portal_resolver;
ALTER FUNCTION resolve_message(uuid) OWNER TO portal_resolver;
REVOKE CREATE ON SCHEMA public FROM portal_resolver;
SET LOCAL ROLE portal_resolver;
REVOKE ALL ON FUNCTION resolve_message(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION resolve_message(uuid) TO portal_app, portal_worker, SESSION_USER;
RESET ROLE;

ALTER TABLE message ADD COLUMN segments INTEGER;
ALTER TABLE client ADD COLUMN sms_registration TEXT;
-- Who texts already did so under a registration that is not known here by its id.
ALTER TABLE client NO FORCE ROW LEVEL SECURITY;
UPDATE client SET sms_registration = 'unnamed' WHERE sms_enabled;
ALTER TABLE client FORCE ROW LEVEL SECURITY;
