"""Search: pairs of words, keys that forgive typing errors, last four digits, recent accounts."""

from alembic import op
from sqlalchemy import text

from portal.services.words import learn

revision = "0029_search_keys"
down_revision = "0028_campaign_letters"
branch_labels = depends_on = None

RUNNERS = "portal_app, portal_worker"
AT_ONCE = 10_000
MINE = "client_id = ANY ((SELECT app_client_ids())::uuid[])"

# The first eight words of a name are paired too, in the order of their bytes.
WORDS_OF = """
    CREATE FUNCTION words_of(name_key text) RETURNS SETOF text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
      SELECT DISTINCT CASE WHEN a.word = b.word THEN a.word ELSE a.word || ' ' || b.word END
      FROM unnest(string_to_array(name_key, ' ')) WITH ORDINALITY AS a (word, n),
        unnest(string_to_array(name_key, ' ')) WITH ORDINALITY AS b (word, n)
      WHERE a.word <> '' AND a.word COLLATE "C" <= b.word COLLATE "C"
        AND (a.word = b.word OR greatest(a.n, b.n) <= 8)
    $$"""
KEEP = """
    CREATE OR REPLACE FUNCTION keep_debtor_words() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO debtor_word (client_id, word, debtor_id)
      SELECT named.client_id, word, named.id FROM named, words_of(named.name_key) AS word;
      RETURN NULL;
    END $$"""
# A word that nobody has any more is forgotten. The lock is that of who learns words, and the
# statement after it sees what they committed.
RENEW = """
    CREATE OR REPLACE FUNCTION renew_debtor_words() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      DELETE FROM debtor_word
      WHERE client_id = OLD.client_id AND debtor_id = OLD.id
        AND word IN (SELECT words_of(OLD.name_key));
      INSERT INTO debtor_word (client_id, word, debtor_id)
      SELECT NEW.client_id, word, NEW.id FROM words_of(NEW.name_key) AS word;
      PERFORM pg_advisory_xact_lock(hashtextextended('words:' || OLD.client_id, 0));
      DELETE FROM word_key k
      WHERE k.client_id = OLD.client_id AND k.word = ANY (string_to_array(OLD.name_key, ' '))
        AND NOT EXISTS (SELECT FROM debtor_word w
          WHERE w.client_id = k.client_id AND w.word = k.word);
      RETURN NULL;
    END $$"""
WORD_KEY = """
    CREATE TABLE word_key (
      client_id UUID NOT NULL,
      key TEXT COLLATE "C" NOT NULL,
      word TEXT COLLATE "C" NOT NULL,
      CONSTRAINT pk_word_key PRIMARY KEY (client_id, key, word),
      CONSTRAINT fk_word_key_client_id FOREIGN KEY (client_id) REFERENCES client (id)
    )"""


def upgrade() -> None:
    """Add the tables, and the pairs and keys of the names that are there."""
    for statement in (WORDS_OF, WORD_KEY, KEEP, RENEW):
        op.execute(statement)
    op.execute("ALTER TABLE word_key ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE word_key FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY of_client ON word_key TO {RUNNERS}, CURRENT_USER"
        f" USING ({MINE}) WITH CHECK ({MINE})"
    )
    op.execute(f"GRANT SELECT, INSERT, DELETE ON word_key TO {RUNNERS}")
    _fill()
    op.execute("CREATE INDEX ix_word_key_word ON word_key (client_id, word)")
    op.execute(
        "CREATE INDEX ix_debtor_last_four ON debtor (client_id, last_four_hash, id)"
        " WHERE last_four_hash IS NOT NULL"
    )
    op.execute("DROP INDEX ix_debtor_name_key")


def _fill() -> None:
    """Pairs and keys of every client's names: keys must be those that today's code looks up by."""
    op.execute("""
        SELECT set_config('app.client_ids', '{' || string_agg(client_id::text, ',') || '}', true)
        FROM resolve_clients()""")
    op.execute("""
        INSERT INTO debtor_word (client_id, word, debtor_id)
        SELECT d.client_id, word, d.id FROM debtor d, words_of(d.name_key) AS word
        ON CONFLICT DO NOTHING""")
    bind = op.get_bind()
    asked = text("SELECT client_id, array_agg(DISTINCT word) FROM debtor_word GROUP BY client_id")
    for client_id, words in bind.execute(asked).all():
        for start in range(0, len(words), AT_ONCE):
            names = words[start : start + AT_ONCE]
            learn(bind.connection.driver_connection, client_id, names)


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
