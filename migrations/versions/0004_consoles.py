"""What the consoles need: names by word, drafts of policies, the payment of a movement."""

from alembic import op

revision = "0004_consoles"
down_revision = "0003_isolation"
branch_labels = depends_on = None

RUNNERS = "portal_app, portal_worker"
MINE = "client_id = ANY ((SELECT app_client_ids())::uuid[])"


def upgrade() -> None:
    """Add the word index of names, the drafts, the ledger's payment and the indexes of lists."""
    _words()
    _drafts()
    op.execute("ALTER TABLE ledger_entry ADD COLUMN payment_id UUID")
    op.execute(
        "ALTER TABLE ledger_entry ADD CONSTRAINT fk_ledger_entry_client_id_payment_id"
        " FOREIGN KEY (client_id, payment_id) REFERENCES payment (client_id, id)"
    )
    op.execute("DROP INDEX ix_account_status")
    op.execute("CREATE INDEX ix_account_status ON account (client_id, status, reference)")
    op.execute("CREATE INDEX ix_payment_reference ON payment (client_id, reference)")


def _words() -> None:
    """One row for each word of a debtor's name: any word finds them, by equality or its start.

    Row-level security lets only leakproof comparisons reach an index, so full text would read
    every row of the client.
    """
    op.execute("""
        CREATE TABLE debtor_word (
          client_id UUID NOT NULL,
          word TEXT COLLATE "C" NOT NULL,
          debtor_id UUID NOT NULL,
          CONSTRAINT pk_debtor_word PRIMARY KEY (client_id, word, debtor_id),
          CONSTRAINT fk_debtor_word_client_id FOREIGN KEY (client_id) REFERENCES client (id)
        )""")
    _isolate("debtor_word")
    op.execute("""
        CREATE FUNCTION keep_debtor_words() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          INSERT INTO debtor_word (client_id, word, debtor_id)
          SELECT DISTINCT named.client_id, part, named.id
          FROM named, unnest(string_to_array(named.name_key, ' ')) AS part
          WHERE part <> '';
          RETURN NULL;
        END $$""")
    op.execute("""
        CREATE FUNCTION renew_debtor_words() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          DELETE FROM debtor_word
          WHERE client_id = OLD.client_id AND debtor_id = OLD.id
            AND word = ANY (string_to_array(OLD.name_key, ' '));
          INSERT INTO debtor_word (client_id, word, debtor_id)
          SELECT DISTINCT NEW.client_id, part, NEW.id
          FROM unnest(string_to_array(NEW.name_key, ' ')) AS part WHERE part <> '';
          RETURN NULL;
        END $$""")
    op.execute("""
        CREATE TRIGGER keep_words_of_new AFTER INSERT ON debtor
        REFERENCING NEW TABLE AS named
        FOR EACH STATEMENT EXECUTE FUNCTION keep_debtor_words()""")
    op.execute("""
        CREATE TRIGGER keep_words_of_renamed AFTER UPDATE OF name_key ON debtor
        FOR EACH ROW WHEN (OLD.name_key <> NEW.name_key)
        EXECUTE FUNCTION renew_debtor_words()""")


def _drafts() -> None:
    op.execute("""
        CREATE TABLE policy_draft (
          client_id UUID NOT NULL,
          id UUID NOT NULL,
          staff_id UUID NOT NULL,
          base_version INTEGER NOT NULL,
          document TEXT NOT NULL,
          saved_at TIMESTAMP WITH TIME ZONE NOT NULL,
          CONSTRAINT pk_policy_draft PRIMARY KEY (client_id, id),
          CONSTRAINT fk_policy_draft_client_id FOREIGN KEY (client_id) REFERENCES client (id),
          CONSTRAINT uq_policy_draft_client_id_staff_id UNIQUE (client_id, staff_id)
        )""")
    _isolate("policy_draft")
    op.execute(f"GRANT UPDATE ON policy_draft TO {RUNNERS}")


def _isolate(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY of_client ON {table} TO {RUNNERS}, CURRENT_USER"
        f" USING ({MINE}) WITH CHECK ({MINE})"
    )
    op.execute(f"GRANT SELECT, INSERT, DELETE ON {table} TO {RUNNERS}")


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
