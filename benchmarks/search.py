"""How long staff wait for what they typed into the search box.

    python benchmarks/search.py [accounts=1000000] [plans]

One client with so many accounts of as many people: names fall off as real ones do, every sixth
person has three or four, and one in a hundred the last four digits 0000. Each fourth account has an
agreement, a payment, a proposal and a request. Each kind of term is
searched as the web does it, by its own role under row-level security. Target: 50 ms at the 95th
percentile of every kind. With ``plans``, what PostgreSQL did for each statement is printed
too. The server lies under var/benchmark; a database of the same size is used again.
"""

import random
import sys
import time
from collections.abc import Iterator, Sequence
from statistics import quantiles
from typing import Any
from uuid import UUID

import psycopg
from placement import Clock
from rehearsal import ACCOUNTS, FOLDER, NOW, a_client
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from portal.db import conninfo, make_engine, psycopg_connection, tenant_session
from portal.domain.identity import Factor, keyed_hash
from portal.domain.keys import Keys
from portal.domain.wording import search_key
from portal.embedded import EmbeddedServer
from portal.models import fresh_id
from portal.roles import ensure_database
from portal.schema import upgrade
from portal.services.search import search
from portal.services.words import learn

KEYS = Keys((b"k" * 32,), b"p" * 32, "https://pay.example.com")
RUNS, TARGET_MS = 60, 50
SURNAMES, FIRST_NAMES = 60_000, 4_000
KNOWN = (
    *("Garcia", "Smith", "Hernández", "Johnson", "Martinez", "Williams", "López", "Brown", "Tran"),
    *("González", "Jones", "Rodríguez", "Miller", "Tremblay", "Davis", "Pérez", "Roy", "Nguyen"),
)
GIVEN = (
    *("María", "James", "José", "Mary", "Juan", "Marie", "Luis", "John", "Ana", "Jean"),
    *("Michael", "Guadalupe", "Robert", "Carmen", "David"),
)
SYLLABLES = (
    *("ba", "co", "de", "fi", "gou", "la", "me", "ni", "pau", "ro", "sa", "te", "va", "zi", "cha"),
    *("ber", "dor", "gan", "lin", "mar", "nel", "par", "quin", "ros", "son", "tan", "ville", "ez"),
)
COLUMNS = (
    "client_id, id, first_name, last_name, name_key, last_four_hash, language, region, country,"
    " created_at"
)
CONTACTS = """
    INSERT INTO contact (client_id, id, debtor_id, channel, address, permission_basis, source,
      created_at)
    SELECT client_id, gen_random_uuid(), id, c.channel, c.address, 'creditor_used', 'placement',
      created_at
    FROM debtor d, LATERAL (SELECT right(id::text, 6) AS tail) t,
      LATERAL (VALUES ('email', 'd' || tail || '@example.com'),
        ('sms', '+1212' || lpad((('x' || tail)::bit(24)::int % 8000000 + 2000000)::text, 7, '0'))
      ) AS c (channel, address)"""
OF_EACH_FOURTH = """
    FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM account) a WHERE n % 4 = 0"""
REFERENCED = (
    f"""
    INSERT INTO arrangement (client_id, id, account_id, reference, kind, status, method, frequency,
      offer_key, policy_version, total_cents, balance_cents, saved_cents, currency, terms,
      terms_sha256, locale, accepted_at)
    SELECT client_id, id, id, 'PL-' || n, 'plan', 'completed', 'manual', 'monthly', 'plan', 1,
      balance_cents, balance_cents, 0, 'USD', '{{}}', sha256('{{}}'), 'en', placed_at
    {OF_EACH_FOURTH}""",
    f"""
    INSERT INTO payment (client_id, id, account_id, reference, purpose, status, amount_cents,
      currency, locale, idempotency_key, created_at, settled_at)
    SELECT client_id, id, id, 'PM-' || n, 'one_off', 'succeeded', 100, 'USD', 'en', 'p-' || n,
      placed_at, placed_at
    {OF_EACH_FOURTH}""",
    f"""
    INSERT INTO proposal (client_id, id, account_id, reference, status, kind, wish, policy_version,
      balance_cents, locale, submitted_at, answer_due_on, answered_at)
    SELECT client_id, id, id, 'PR-' || n, 'declined', 'plan', '{{}}', 1, balance_cents, 'en',
      placed_at, date '2026-06-09', placed_at
    {OF_EACH_FOURTH}""",
    f"""
    INSERT INTO help_request (client_id, id, account_id, reference, topic, status, answers, locale,
      opened_at, promised_on, answered_at)
    SELECT client_id, id, id, 'HR-' || n, 'question', 'closed', '{{}}', 'en', placed_at,
      date '2026-06-09', placed_at
    {OF_EACH_FOURTH}""",
)
"""An agreement, a payment, a proposal and a request of each fourth account, all of them over."""
COMMONEST_SOUND = """
    SELECT min(k.word) FROM word_key k JOIN debtor_word w USING (client_id, word)
    WHERE k.key LIKE '~%' GROUP BY k.key ORDER BY count(*) DESC LIMIT 1"""
COMMONEST_KEY = """
    SELECT min(word) FROM word_key WHERE key LIKE '~%'
    GROUP BY key ORDER BY count(*) DESC LIMIT 1"""


def names(known: Sequence[str], size: int, chance: random.Random) -> tuple[list[str], list[float]]:
    """So many names, and for each how many people have that or one before it."""
    made = dict.fromkeys(known)
    while len(made) < size:
        parts = chance.choices(SYLLABLES, k=chance.choice((2, 3, 3, 4)))
        made.setdefault("".join(parts).title())
    shares, total = [], 0.0
    for rank in range(size):
        total += 1 / (rank + 4) ** 0.9
        shares.append(total)
    return list(made), shares


def people(client_id: UUID, accounts: int) -> Iterator[tuple[Any, ...]]:
    """The debtors, the same at every run."""
    chance = random.Random(41)
    surnames = names(KNOWN, SURNAMES, chance)
    given = names(GIVEN, FIRST_NAMES, chance)
    for n in range(1, accounts + 1):
        many = 2 if n % 6 == 0 else 1
        last = " ".join(chance.choices(surnames[0], cum_weights=surnames[1], k=many))
        first = " ".join(chance.choices(given[0], cum_weights=given[1], k=1 + (n % 12 == 0)))
        digits = "0000" if n % 100 == 0 else f"{n * 7919 % 10_000:04}"
        hashed = keyed_hash(KEYS.pepper, client_id, Factor.LAST_FOUR, digits)
        who = (first, last, search_key(f"{first} {last}"), hashed)
        yield (client_id, UUID(int=0x7000_8000_0000_0000_0000 + n), *who, "en", "NY", "US", NOW)


def fill(server: EmbeddedServer, name: str, accounts: int) -> None:
    """A database with so many accounts of one client."""
    ensure_database(server.dsn(), name)
    upgrade(server.url(name, "portal_owner"))
    client = a_client()
    with tenant_session(make_engine(server.url(name, "portal_worker")), [client.id]) as session:
        session.add(client)
        session.commit()
    with psycopg.connect(conninfo(server.url(name, "postgres"))) as admin:
        given = {"client": client.id, "placement": fresh_id(), "now": NOW}
        admin.execute(
            "INSERT INTO placement (client_id, id, kind, status, file_name, started_at, rows,"
            " landed, updated, unchanged, refused, warned) VALUES (%(client)s, %(placement)s,"
            " 'placed', 'completed', 'a.csv', %(now)s, 0, 0, 0, 0, 0, 0)",
            given,
        )
        with admin.cursor().copy(f"COPY debtor ({COLUMNS}) FROM STDIN") as copy:
            for row in people(client.id, accounts):
                copy.write_row(row)
        words = admin.execute("SELECT DISTINCT word FROM debtor_word WHERE word NOT LIKE '% %'")
        learn(admin, client.id, [word for (word,) in words])
        admin.execute(ACCOUNTS, given | {"accounts": accounts})
        for insert in (CONTACTS, *REFERENCED):
            admin.execute(insert)
    with psycopg.connect(conninfo(server.url(name, "postgres")), autocommit=True) as admin:
        admin.execute("VACUUM ANALYZE")


def terms(server: EmbeddedServer, name: str) -> dict[str, str]:
    """One term of each kind, the worst of its kind where there is one."""
    with psycopg.connect(conninfo(server.url(name, "postgres"))) as admin:
        sound, crowd = (
            str(admin.execute(query).fetchone()[0])  # type: ignore[index]
            for query in (COMMONEST_SOUND, COMMONEST_KEY)
        )
    return {
        "reference": "BM-4242",
        "e-mail": "d000abc@example.com",
        "phone, as people write it": "(212) 200-2748",
        "commonest surname": "García",
        "commonest two words": "maria garcia",
        "two common surnames": "smith hernandez",
        "four common words": "maria jose garcia hernandez",
        "four common words, shared by none": "smith jones tremblay nguyen",
        "beginning of common words": "mar gar",
        "one letter": "m",
        "commonest surname, one letter wrong": "garcai",
        "both words wrong": "mraia gracia",
        "commonest sound": sound,
        "sound of most words": crowd,
        "last four digits": "4471",
        "last four digits of very many": "0000",
        "last four digits with a name": "4471 garcia",
        "last four of many with a name": "0000 garcai",
        "nobody's name": "zzyzxqwj",
        "Chinese": "王伟",
        "wildcards": "%_*",
        "10,000 characters": "a " * 5_000,
        "10,000 letters": "abcdefghij" * 1_000,
    }


def took(session: Session, typed: str) -> tuple[float, float, float]:
    """Median and 95th percentile of a search, and its CPU time, the server's too: in milliseconds.

    On a machine that does other things as well, only the last says what the search costs.
    """
    server = Clock(psycopg_connection(session))
    times, used = [], time.process_time()
    for _ in range(RUNS):
        started = time.perf_counter()
        search(session, typed, keys=KEYS)
        times.append((time.perf_counter() - started) * 1000)
    used = time.process_time() - used + server.cpu() - server.first_cpu
    parts = quantiles(times, n=20)
    return parts[9], parts[18], used * 1000 / RUNS


def plans(engine: Engine, client_id: UUID, typed: str) -> Iterator[str]:
    """What PostgreSQL did for each statement of a search."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        if "set_config" not in statement:
            asked.append((statement, given))

    with tenant_session(engine, [client_id]) as session:
        event.listen(engine, "before_cursor_execute", note)
        search(session, typed, keys=KEYS)
        event.remove(engine, "before_cursor_execute", note)
        for statement, given in asked:
            explain = f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {statement}"
            rows = session.connection().exec_driver_sql(explain, given)
            yield "\n".join(row[0] for row in rows)


def main() -> None:
    """Search for each kind of term and print what it took."""
    accounts = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    FOLDER.mkdir(parents=True, exist_ok=True)
    server = EmbeddedServer(FOLDER / "postgres").start()
    name = f"searched_{accounts}"
    with psycopg.connect(server.dsn()) as admin:
        known = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
    if not known:
        fill(server, name, accounts)
    with psycopg.connect(conninfo(server.url(name, "postgres"))) as admin:
        client_id = admin.execute("SELECT id FROM client").fetchone()[0]  # type: ignore[index]
    engine = make_engine(server.url(name, "portal_app"))
    print(f"{'kind':36} {'typed':28} hits    p50    p95    CPU")
    for kind, typed in terms(server, name).items():
        with tenant_session(engine, [client_id]) as session:
            hits = search(session, typed, keys=KEYS).hits
            half, most, cpu = took(session, typed)
        late = "  OVER" if most > TARGET_MS else ""
        shown = typed if len(typed) < 30 else f"{typed[:12]}…"
        print(f"{kind:36} {shown:29} {len(hits):3} {half:6.1f} {most:6.1f} {cpu:6.1f} ms{late}")
        if "plans" in sys.argv:
            print(*plans(engine, client_id, typed), sep="\n\n")
    server.stop()


if __name__ == "__main__":
    main()
