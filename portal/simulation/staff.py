"""Who works here: on weekdays they answer what waits, on the pages of their consoles."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from random import Random
from uuid import UUID

from sqlalchemy import TextClause, text

from portal.db import set_tenant
from portal.demo.browsing import Browser, Form, NotOnThePage
from portal.domain.waiting import Queue
from portal.models import Role
from portal.services.clients import clients
from portal.services.demo_staff import PASSWORD, Worker
from portal.simulation.lines import PageRefused
from portal.simulation.portfolio import LAURENTIAN
from portal.simulation.stage import PORTAL, Stage

DATE_PARTS = ("month", "day", "year")
GRANTS, LIFTS = 0.6, 0.7
WORK_DAYS, POST_DAYS = (0, 2, 4), (0, 4)
_WAITS = text("""
    SELECT EXISTS (SELECT FROM help_request WHERE status = 'opened')
      OR EXISTS (SELECT FROM proposal WHERE status = 'submitted')
      OR EXISTS (SELECT FROM money_exception WHERE resolved_at IS NULL)""")

_IN_QUEBEC = text("""
    SELECT a.id FROM account a JOIN client c ON c.id = a.client_id
    JOIN debtor d ON (d.client_id, d.id) = (a.client_id, a.debtor_id)
    WHERE c.slug = :slug AND d.region = 'QC' ORDER BY a.id""")
_LETTERS = text("""
    SELECT EXISTS (SELECT FROM message WHERE status = 'queued' AND channel = 'letter')""")


class Staff:
    """A supervisor who answers every queue, and the clients' admins who send links."""

    def __init__(self, stage: Stage, hired: Sequence[Worker]) -> None:
        self._stage, self._hired, self.did = stage, hired, Counter[str]()
        self._rng = Random(f"{stage.seed} staff")  # noqa: S311
        self.refused: Counter[str] = Counter()
        self._inside: dict[str, tuple[datetime, Browser]] = {}

    def send_links(self) -> None:
        """Each client's admin begins a campaign for everybody who may have a link."""
        for one in self._hired:
            if one.role is Role.CLIENT_ADMIN:
                self._try("send links", partial(self._send_links, one.email))

    def record_notices(self) -> None:
        """Take down that an agency's first notices went on paper, as Quebec wants them (CA-03)."""
        with self._stage.worker.sessions() as session:
            set_tenant(session, *clients(session).values())
            accounts = session.scalars(_IN_QUEBEC, {"slug": LAURENTIAN.client.slug}).all()
        browser = self._log_in(self._supervisor)
        for account_id in accounts:
            self._try("record a notice", partial(self._record_notice, browser, account_id))

    def _record_notice(self, browser: Browser, account_id: UUID) -> None:
        sent_on = self._stage.clock.now() - timedelta(days=30)
        boxes = {f"sent_on-{part}": str(getattr(sent_on, part)) for part in DATE_PARTS}
        browser.open(f"{PORTAL}/support/accounts/{account_id}/notice")
        browser.submit("/notice", on_paper="y", **boxes)

    @property
    def _supervisor(self) -> str:
        return next(one.email for one in self._hired if one.role is Role.SUPERVISOR)

    def _send_links(self, email: str) -> None:
        browser = self._log_in(email)
        browser.open(f"{PORTAL}/client/campaigns/new")
        browser.submit("/campaigns/new", name=f"Links of {self._stage.clock.now():%B %Y}")
        browser.submit("/schedule")

    def work(self) -> None:
        """Each second working day answer what waits; twice a week take letters to the post."""
        weekday = self._stage.clock.now().weekday()
        if weekday not in WORK_DAYS:
            return
        post = weekday in POST_DAYS and self._is_there(_LETTERS)
        if not (post or self._is_there(_WAITS)):
            return
        browser = self._log_in(self._supervisor)
        if post:
            self._post_letters(browser)
        for queue, (pages, answer) in self._queues().items():
            browser.open(f"{PORTAL}/support/queues/{queue}")
            waiting = dict.fromkeys(browser.links(f"/support/{pages}/"))
            for link in waiting:
                self._try(f"answer {queue}", partial(answer, browser, link))

    def _is_there(self, query: TextClause) -> bool:
        with self._stage.worker.sessions() as session:
            set_tenant(session, *clients(session).values())
            return bool(session.scalar(query))

    def _post_letters(self, browser: Browser) -> None:
        """Print what waits, client by client, and say that all of it left which may."""
        browser.open(f"{PORTAL}/support/letters")
        for form in browser.forms("/print"):
            self._try("post letters", partial(self._post_batch, browser, form))

    def _post_batch(self, browser: Browser, waiting: Form) -> None:
        browser.open(f"{PORTAL}/support/letters")
        browser.submit(waiting.action)
        for form in browser.forms("/letters/"):
            if "sent" in form.ticked:
                browser.send(form, sent=form.ticked["sent"])
                return

    def _queues(self) -> dict[Queue, tuple[str, Callable[[Browser, str], None]]]:
        """Each queue that is worked, where its entries lead, and what is done there."""
        asked = (Queue.DISPUTES, Queue.HARDSHIP, Queue.REQUESTS, Queue.MESSAGES)
        return {
            **dict.fromkeys(asked, ("requests", self._answer_request)),
            Queue.PROPOSALS: ("proposals", self._answer_proposal),
            Queue.CALLS: ("calls", self._close_call),
            Queue.QUESTIONS: ("questions", self._decide),
        }

    def _log_in(self, email: str) -> Browser:
        """A browser of this person; one for each moment, for a code lets in once."""
        at = self._stage.clock.now()
        if (known := self._inside.get(email)) and known[0] == at:
            return known[1]
        worker = next(one for one in self._hired if one.email == email)
        browser = Browser(self._stage.line("en"))
        browser.open(f"{PORTAL}/log-in")
        browser.submit("/log-in", email=email, password=PASSWORD)
        browser.submit("/log-in/code", code=worker.code(at))
        self._inside[email] = (at, browser)
        return browser

    def _try(self, name: str, do: Callable[[], None]) -> None:
        try:
            do()
        except PageRefused as refused:
            self.refused[f"{refused.status} {name}"] += 1
        except NotOnThePage:
            self.refused[f"not offered: {name}"] += 1
        else:
            self.did[name] += 1

    def _answer_request(self, browser: Browser, link: str) -> None:
        browser.open(link)
        form = browser.form("/requests/")
        lift = form is not None and "hold" in form.offered and self._rng.random() < LIFTS
        more = {"hold": "lift", "reason": "It was checked."} if lift else {}
        browser.submit("/requests/", body="Thank you. We looked at it and wrote it down.", **more)

    def _answer_proposal(self, browser: Browser, link: str) -> None:
        browser.open(link)
        browser.submit("/accept" if self._rng.random() < GRANTS else "/decline")

    def _close_call(self, browser: Browser, link: str) -> None:
        browser.open(link)
        browser.submit("/calls/", note="We called and talked.")

    def _decide(self, browser: Browser, link: str) -> None:
        browser.open(link)
        form = browser.form("/questions/")
        if form is None or not form.offered.get("decision"):
            raise NotOnThePage("nothing to decide")
        first = form.offered["decision"][0]
        browser.submit("/questions/", decision=first, note="Decided as it stands.")
