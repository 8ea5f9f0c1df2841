"""Legal holds, batches of erasures, and the one way in which words and addresses of a record go."""

from alembic import op

revision = "0017_retention"
down_revision = "0016_esign"
branch_labels = depends_on = None

RUNNERS = "portal_app, portal_worker"
MINE = "client_id = ANY ((SELECT app_client_ids())::uuid[])"

LEGAL_HOLD = """
    CREATE TABLE legal_hold (
      client_id UUID NOT NULL,
      id UUID NOT NULL,
      account_id UUID NOT NULL,
      reason TEXT NOT NULL,
      matter TEXT NOT NULL,
      set_by UUID NOT NULL,
      set_at TIMESTAMP WITH TIME ZONE NOT NULL,
      lifted_by UUID,
      lifted_at TIMESTAMP WITH TIME ZONE,
      lifted_reason TEXT,
      CONSTRAINT pk_legal_hold PRIMARY KEY (client_id, id),
      CONSTRAINT fk_legal_hold_client_id FOREIGN KEY (client_id) REFERENCES client (id),
      CONSTRAINT fk_legal_hold_client_id_account_id
        FOREIGN KEY (client_id, account_id) REFERENCES account (client_id, id),
      CONSTRAINT ck_legal_hold_lifted CHECK ((lifted_at IS NULL) = (lifted_by IS NULL)),
      CONSTRAINT ck_legal_hold_lifted_with_reason
        CHECK ((lifted_at IS NULL) = (lifted_reason IS NULL))
    )"""
BATCH = """
    CREATE TABLE erasure_batch (
      client_id UUID NOT NULL,
      id UUID NOT NULL,
      status VARCHAR(40) NOT NULL,
      limitation BOOLEAN NOT NULL,
      reason TEXT NOT NULL,
      asked_by UUID NOT NULL,
      asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
      decided_by UUID,
      decided_at TIMESTAMP WITH TIME ZONE,
      note TEXT,
      finished_at TIMESTAMP WITH TIME ZONE,
      CONSTRAINT pk_erasure_batch PRIMARY KEY (client_id, id),
      CONSTRAINT fk_erasure_batch_client_id FOREIGN KEY (client_id) REFERENCES client (id),
      CONSTRAINT ck_erasure_batch_two_people CHECK (decided_by <> asked_by),
      CONSTRAINT ck_erasure_batch_decided CHECK ((status = 'asked') = (decided_by IS NULL)
        AND (decided_by IS NULL) = (decided_at IS NULL))
    )"""
ERASURE = """
    CREATE TABLE erasure (
      client_id UUID NOT NULL,
      id UUID NOT NULL,
      batch_id UUID NOT NULL,
      account_id UUID NOT NULL,
      chain_id UUID NOT NULL,
      reference TEXT NOT NULL,
      status VARCHAR(40) NOT NULL,
      rule TEXT NOT NULL,
      last_day DATE NOT NULL,
      leaves INTEGER NOT NULL,
      documents INTEGER NOT NULL,
      why TEXT,
      leaf_n INTEGER,
      at TIMESTAMP WITH TIME ZONE,
      CONSTRAINT pk_erasure PRIMARY KEY (client_id, id),
      CONSTRAINT fk_erasure_client_id FOREIGN KEY (client_id) REFERENCES client (id),
      CONSTRAINT fk_erasure_client_id_batch_id
        FOREIGN KEY (client_id, batch_id) REFERENCES erasure_batch (client_id, id),
      CONSTRAINT fk_erasure_client_id_account_id
        FOREIGN KEY (client_id, account_id) REFERENCES account (client_id, id),
      CONSTRAINT uq_erasure_client_id_batch_id_account_id
        UNIQUE (client_id, batch_id, account_id),
      CONSTRAINT ck_erasure_told CHECK ((status = 'erased') = (leaf_n IS NOT NULL)),
      CONSTRAINT ck_erasure_done CHECK ((status = 'waiting') = (at IS NULL))
    )"""
INDEXES = (
    "CREATE INDEX ix_legal_hold_account ON legal_hold (client_id, account_id)",
    "CREATE INDEX ix_erasure_batch_asked ON erasure_batch (client_id, asked_at)",
    "CREATE INDEX ix_chain_key_destroyed ON chain_key (client_id, chain_id)"
    " WHERE destroyed_at IS NOT NULL",
    "CREATE INDEX ix_erasure_account ON erasure (client_id, account_id)",
    "CREATE INDEX ix_erasure_waiting ON erasure (client_id, batch_id, account_id)"
    " WHERE status = 'waiting'",
    "CREATE INDEX ix_payment_authorization_arrangement"
    " ON payment_authorization (client_id, arrangement_id)",
)
GRANTS = (
    "GRANT SELECT ON legal_hold, erasure_batch, erasure TO portal_app, portal_worker",
    "GRANT INSERT, UPDATE (lifted_by, lifted_at, lifted_reason) ON legal_hold TO portal_app",
    "GRANT INSERT, UPDATE (status, decided_by, decided_at, note) ON erasure_batch TO portal_app",
    "GRANT UPDATE (status, finished_at) ON erasure_batch TO portal_worker",
    "GRANT INSERT ON erasure TO portal_app",
    "GRANT UPDATE (status, rule, last_day, leaves, documents, why, leaf_n, at) ON erasure"
    " TO portal_worker",
    "GRANT UPDATE (reason, matter, lifted_reason) ON legal_hold TO portal_worker",
)

# Whoever took a key before it was destroyed, and writes after, would write what nobody can read.
LIVE_KEY = """
    CREATE FUNCTION demand_live_key() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF EXISTS (SELECT FROM chain_key k WHERE k.client_id = NEW.client_id
          AND k.id = NEW.key_id AND k.destroyed_at IS NOT NULL) THEN
        RAISE EXCEPTION 'key % was destroyed meanwhile', NEW.key_id
          USING ERRCODE = 'serialization_failure';
      END IF;
      RETURN NEW;
    END $$"""

# Nothing of a thread or a letter changes, but that their words go with the record that was erased.
THREAD = """
    CREATE FUNCTION forbid_change_but_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'UPDATE'
        AND current_user = (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID)
        AND NEW.body = '' AND to_jsonb(NEW) - 'body' = to_jsonb(OLD) - 'body'
        AND EXISTS (SELECT FROM erasure e JOIN client c ON c.id = e.client_id
          JOIN leaf f ON (f.client_id, f.chain_id, f.n) = (e.client_id, c.chain_id, e.leaf_n)
          WHERE e.client_id = OLD.client_id AND e.account_id = OLD.account_id
            AND e.status = 'erased' AND f.type = 'erasure' AND e.at >= OLD.at)
      THEN
        RETURN NEW;
      END IF;
      RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
    END $$"""
ERASE_THREAD = """
    CREATE FUNCTION erase_thread(of_client uuid, of_account uuid) RETURNS void
      LANGUAGE sql SECURITY DEFINER SET search_path = public AS
      $$ UPDATE thread_entry SET body = ''
         WHERE client_id = of_client AND account_id = of_account AND body <> '' $$"""

ERASE_LETTERS = """
    CREATE FUNCTION erase_letters(of_client uuid, of_debtor uuid) RETURNS void
      LANGUAGE sql SECURITY DEFINER SET search_path = public AS
      $$ UPDATE letter l SET recipient = '' FROM message m
         WHERE l.client_id = of_client AND (m.client_id, m.id) = (l.client_id, l.message_id)
           AND m.debtor_id = of_debtor AND l.recipient <> ''
           AND CASE WHEN m.account_id IS NULL
             THEN NOT EXISTS (SELECT FROM account a WHERE a.client_id = of_client
               AND a.debtor_id = of_debtor
               AND (a.erased_at IS NULL OR a.updated_at > a.erased_at))
             ELSE EXISTS (SELECT FROM erasure e WHERE e.client_id = of_client
               AND e.account_id = m.account_id AND e.status = 'erased' AND e.at >= m.created_at)
             END $$"""
ERASERS = "erase_thread(uuid, uuid), erase_letters(uuid, uuid)"


def upgrade() -> None:
    """Add the tables, and let nothing be sealed with a key that was destroyed."""
    for statement in (LEGAL_HOLD, BATCH, ERASURE):
        op.execute(statement)
    for table in ("legal_hold", "erasure_batch", "erasure"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY of_client ON {table} TO {RUNNERS}, CURRENT_USER"
            f" USING ({MINE}) WITH CHECK ({MINE})"
        )
    for statement in (*INDEXES, *GRANTS):
        op.execute(statement)
    op.execute("ALTER TABLE account ADD COLUMN erased_at TIMESTAMP WITH TIME ZONE")
    op.execute(LIVE_KEY)
    op.execute(
        "CREATE TRIGGER demand_live_key BEFORE INSERT ON leaf_payload"
        " FOR EACH ROW EXECUTE FUNCTION demand_live_key()"
    )
    op.execute(THREAD)
    op.execute("DROP TRIGGER append_only ON thread_entry")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON thread_entry"
        " FOR EACH ROW EXECUTE FUNCTION forbid_change_but_erasure()"
    )
    op.execute(ERASE_THREAD)
    op.execute(ERASE_LETTERS)
    op.execute(f"REVOKE ALL ON FUNCTION {ERASERS} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {ERASERS} TO portal_worker")


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
