"""The judgement: our books against Stripe's, and the history against what may never happen."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from portal.services.verify import verify_client
from tests.battery.agreed import judge_agreements
from tests.battery.bench import Bench
from tests.battery.books import Taken, taken

APPLIED = "E1 each charge stands in the ledger once"
RETURNED = "E1 each refund stands in the ledger once"
DISPUTED = "E1 each movement of a dispute stands in the ledger once"
NET = "E2 the ledger is what Stripe has"
TOO_MUCH = "E3 collected is at most what is owed"
RESOLVED = "E6 nothing is left unresolved"
ONCE_EACH = "H1 one successful charge for each installment"
RUN_OUT = "H3 nothing is begun with a link that was paid or has run out"
CAUSED = "H4 every automatic refund has its cause"
NOT_KEPT = "H10 what was paid too much is not kept for hours without a word"
HOURS, A_WEEK_AND_MORE = timedelta(hours=4), timedelta(days=9)
CAME_TO_NOTHING = ("refused", "failed", "canceled")

_ENTRIES = """
    SELECT account_id, payment_id, kind, source, amount_cents, at FROM ledger_entry ORDER BY id"""
_PAYMENTS = """
    SELECT id, account_id, arrangement_id, installment_id, status, amount_cents, reference,
      created_at, counter_kind IS NOT NULL AS by_hand FROM payment ORDER BY id"""
_REFUNDS = """
    SELECT payment_id, refund_id, status, cause, amount_cents, created_at, settled_at
    FROM refund ORDER BY id"""
_UNRESOLVED = """
    SELECT 'payment ' || reference || ' is ' || status FROM payment
      WHERE status IN ('created', 'open', 'attempting', 'processing')
    UNION ALL SELECT 'refund of ' || amount_cents || ' is ' || status FROM refund
      WHERE status IN ('wanted', 'pending', 'requires_action')
    UNION ALL SELECT 'event ' || type FROM stripe_event WHERE handled_at IS NULL
    UNION ALL SELECT 'installment ' || id || ' is processing' FROM installment
      WHERE status = 'processing'"""
_OVERDUE = """
    SELECT 'agreement ' || r.reference || ' waits since ' || i.due_on FROM arrangement r
    JOIN installment i ON i.arrangement_id = r.id AND i.n = 1
    WHERE r.status = 'awaiting_first_payment'
      AND greatest(i.due_on, i.next_attempt_on) < %(long_ago)s
      AND NOT EXISTS (SELECT FROM hold h WHERE h.account_id = r.account_id)"""
_WITH_OLD_LINKS = """
    SELECT p.reference FROM payment p JOIN payer_link l ON l.id = p.payer_link_id
    WHERE p.created_at >= l.expires_at OR EXISTS (SELECT FROM payment b
      WHERE b.payer_link_id = l.id AND b.status = 'succeeded' AND b.settled_at < p.created_at)"""
_WAITING = "SELECT task_name FROM procrastinate_jobs WHERE status = 'todo' AND queue_name = 'money'"
_ASKED = """
    SELECT account_id, min(opened_at) FROM money_exception
    WHERE resolved_at IS NULL AND kind IN ('paid_too_much', 'refund_refused', 'refund_to_review')
    GROUP BY account_id"""
_ACCOUNTS = "SELECT id, reference, balance_cents FROM account ORDER BY id"


class Books:
    """Both sides' books as they stand in the end."""

    def __init__(self, sim: Any) -> None:
        rows = sim.bench.rows
        self.sim, self.history = sim, sim.history
        self.taken = taken(sim.world)
        self.entries = rows(_ENTRIES)
        self.payments = {row.id: row for row in map(_Payment._make, rows(_PAYMENTS))}
        self.refunds = rows(_REFUNDS)
        self.asked = dict(rows(_ASKED))
        self.accounts = rows(_ACCOUNTS)

    def broke(self, invariant: str, where: object) -> None:
        """Remember what does not hold."""
        self.history.broke(invariant, str(where))

    def known(self, account_id: UUID, excess: int, at: datetime) -> bool:
        """Whether so much was wanted back by then and had not left, or a person had been asked."""
        left = {row[3] for row in self.entries if row[5] <= at}
        wanted = sum(
            cents
            for payment_id, refund_id, _, _, cents, wanted_at, settled_at in self.refunds
            if self.payments[payment_id].account_id == account_id
            and wanted_at <= at
            and f"refund:{refund_id}" not in left
            and (settled_at is None or settled_at > at)
        )
        return wanted >= excess or self.asked.get(account_id, at) < at

    def kept(self, kind: str, source: str) -> list[int]:
        """The amounts of the entries about one fact."""
        return [row[4] for row in self.entries if (row[2], row[3]) == (kind, source)]


from typing import NamedTuple  # noqa: E402


class _Payment(NamedTuple):
    id: UUID
    account_id: UUID
    arrangement_id: UUID | None
    installment_id: UUID | None
    status: str
    amount_cents: int
    reference: str
    created_at: Any
    by_hand: bool


def at_rest(bench: Bench) -> bool:
    """Whether nothing is on its way any more, by our rows and by the queue."""
    return not bench.rows(f"{_UNRESOLVED} UNION ALL {_WAITING} LIMIT 1")


def judge(sim: Any) -> None:
    """Hold every invariant of the end state and of the history against one simulation."""
    books = Books(sim)
    for check in (
        _verified,
        _applied,
        _returned,
        _disputed,
        _net,
        _not_too_much,
        _resolved,
        _run_out,
        _once_each,
        _caused,
        _not_kept,
    ):
        check(books)
    judge_agreements(sim)


def _verified(books: Books) -> None:
    with books.sim.bench.worker() as session:
        for broken in verify_client(session, books.sim.cast.client_id):
            books.broke(f"verify: {broken.invariant}", broken.where)


def _applied(books: Books) -> None:
    for one in books.taken:
        found = books.kept("payment", f"payment:{one.payment_id}")
        wanted = [-one.amount_cents] if one.succeeded else []
        if found != wanted:
            books.broke(APPLIED, f"{one.intent_id} is {one.status}, the ledger has {found}")
    real = {one.payment_id for one in books.taken if one.succeeded}
    for payment in books.payments.values():
        if payment.by_hand:
            real.add(payment.id)
            if books.kept("payment", f"payment:{payment.id}") != [-payment.amount_cents]:
                books.broke(APPLIED, f"{payment.reference} was recorded and is not in the ledger")
    for _, payment_id, kind, source, *_ in books.entries:
        if kind == "payment" and payment_id not in real:
            books.broke(APPLIED, f"{source} without a charge")


def _returned(books: Books) -> None:
    for one in books.taken:
        for refund in one.refunds:
            source = f"refund:{refund['id']}"
            out, back = books.kept("refund", source), books.kept("refund_failed", source)
            gone = refund["amount"] if refund["status"] in ("pending", "succeeded") else 0
            if sum(out) + sum(back) != gone or len(out) > 1 or len(back) > 1:
                books.broke(RETURNED, f"{refund['id']} is {refund['status']}: {out} {back}")


def _disputed(books: Books) -> None:
    for one in books.taken:
        for movement in one.movements:
            source, out = f"movement:{movement['id']}", movement["amount"] < 0
            kind = "chargeback" if out else "chargeback_reversed"
            if books.kept(kind, source) != [-movement["amount"]]:
                books.broke(DISPUTED, f"{one.intent_id}: {movement['amount']}")


def _by_hand(books: Books) -> Counter[UUID]:
    """What came by check and cash and did not come back, by account."""
    here: Counter[UUID] = Counter()
    for payment in filter(lambda one: one.by_hand, books.payments.values()):
        back = sum(books.kept("returned", f"returned:{payment.id}"))
        here[payment.account_id] += payment.amount_cents - back
        if back not in (0, payment.amount_cents):
            books.broke(NET, f"{payment.reference}: {back} came back")
    return here


def _net(books: Books) -> None:
    moved = ("payment", "refund", "refund_failed", "chargeback", "chargeback_reversed", "returned")
    ours: Counter[UUID] = Counter()
    for account_id, _, kind, _, cents, _ in books.entries:
        if kind in moved:
            ours[account_id] -= cents
    theirs: Counter[UUID] = Counter()
    for one in books.taken:
        if one.payment_id in books.payments:
            theirs[books.payments[one.payment_id].account_id] += one.net_cents
    theirs.update(_by_hand(books))
    for account_id, reference, _ in books.accounts:
        if ours[account_id] != theirs[account_id]:
            books.broke(NET, f"{reference}: {ours[account_id]} here, {theirs[account_id]} there")


def _not_too_much(books: Books) -> None:
    for account_id, reference, balance in books.accounts:
        if balance < 0 and account_id not in books.asked:
            books.broke(TOO_MUCH, f"{reference}: {balance}")


def _resolved(books: Books) -> None:
    for (left,) in books.sim.bench.rows(_UNRESOLVED):
        books.broke(RESOLVED, left)
    for (left,) in books.sim.bench.rows(_OVERDUE, long_ago=books.sim.now.date() - A_WEEK_AND_MORE):
        books.broke(RESOLVED, left)


def _run_out(books: Books) -> None:
    for (reference,) in books.sim.bench.rows(_WITH_OLD_LINKS):
        books.broke(RUN_OUT, reference)


def _once_each(books: Books) -> None:
    stopped = {row[0] for row in books.refunds if row[3] == "charged_after_stop"}
    charges: defaultdict[UUID, list[Taken]] = defaultdict(list)
    for one in books.taken:
        payment = books.payments.get(one.payment_id)
        if payment and one.succeeded and payment.installment_id and payment.id not in stopped:
            charges[payment.installment_id].append(one)
    for installment_id, found in charges.items():
        if len(found) > 1:
            books.broke(ONCE_EACH, f"{installment_id}: {len(found)} charges")


def _caused(books: Books) -> None:
    by_id = {refund["id"]: one for one in books.taken for refund in one.refunds}
    marked = {
        refund["id"]
        for one in books.taken
        for refund in one.refunds
        if refund["metadata"].get("refund")
    }
    rows = {row[1]: row for row in books.refunds if row[1]}
    for refund_id in marked:
        if refund_id not in rows or rows[refund_id][3] not in ("paid_too_much", "staff") + (
            "charged_after_stop",
        ):
            books.broke(CAUSED, f"{refund_id} of {by_id[refund_id].intent_id}")
    _excess_only(books)


def _excess_only(books: Books) -> None:
    """What goes back as paid too much never exceeds what was too much at any time."""
    wanted: Counter[UUID] = Counter()
    for payment_id, _, status, cause, cents, *_ in books.refunds:
        if cause == "paid_too_much" and status not in CAME_TO_NOTHING:
            wanted[books.payments[payment_id].account_id] += cents
    automatic = {f"refund:{row[1]}" for row in books.refunds if row[3] == "paid_too_much"}
    lowest: Counter[UUID] = Counter()
    running: Counter[UUID] = Counter()
    for account_id, _, _, source, cents, _ in books.entries:
        if source not in automatic:
            running[account_id] += cents
            lowest[account_id] = min(lowest[account_id], running[account_id])
    for account_id, cents in wanted.items():
        if cents > -lowest[account_id]:
            books.broke(CAUSED, f"{account_id}: {cents} back, {-lowest[account_id]} too much")


def _not_kept(books: Books) -> None:
    """While a balance was below nothing for hours, money was on its way back or a person knew."""
    for account_id, reference, _ in books.accounts:
        moved = [(row[5], row[4]) for row in books.entries if row[0] == account_id]
        untils = [at for at, _ in moved[1:]] + [books.sim.now]
        balance = 0
        for (at, cents), until in zip(moved, untils, strict=True):
            balance += cents
            kept = balance < 0 and at + HOURS < until
            if kept and not books.known(account_id, -balance, at + HOURS):
                books.broke(NOT_KEPT, f"{reference}: {balance} from {at} to {until}")
