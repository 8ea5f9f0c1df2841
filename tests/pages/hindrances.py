"""What keeps Dana from paying: for each cause of a diagnosis an act that brings it about."""

from portal.domain.deliveries import Fate
from portal.domain.diagnosis import CAUSES
from portal.domain.money import Cents
from portal.domain.policy import Band, Tier
from portal.gateways.delivery import Unreachable
from portal.gateways.mail import Mail, OutboxMailer
from portal.models import AccessLink, Client, CollectorRole, Contact, EntryKind, Payment
from portal.sandbox import control
from portal.sandbox.faults import Fault
from portal.services import breaking
from portal.services.alarms import raise_alarms
from portal.services.answered_texts import take_text
from portal.services.ledger import lock_account, post
from portal.services.optouts import opt_out
from portal.services.placements import listed, recall
from portal.services.verify import Broken
from tests.pages.agreeing import form as form_of
from tests.pages.agreeing import link, send
from tests.pages.debtors import WRONG
from tests.pages.debtors import send as fill_in
from tests.pages.diagnosing import Act, Scene
from tests.services.paying import declining

IN_APP = "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Mobile/15E148 [FBAN/FBIOS;FBAV/470.0]"
ACTS: dict[str, Act] = {}


def shows(code: str):  # noqa: ANN201
    """This act makes the cause arise."""

    def keep(act: Act) -> Act:
        ACTS[code] = act
        return act

    return keep


def owing(scene: Scene, **cells: str) -> Scene:
    """Dana owes, and her client has limits."""
    return scene.begin(limits={}).place(**cells)


def inside(scene: Scene, **cells: str) -> Scene:
    """Dana has come in by a link."""
    return owing(scene, **cells).invite().come_in()


@shows("recalled")
def _(scene: Scene) -> None:
    owing(scene)
    client = scene.session.get_one(Client, scene.client_id)
    recall(scene.session, client, listed(["NG-1001"]), now=scene.clock.now())


@shows("nothing_owed")
def _(scene: Scene) -> None:
    assert inside(scene).try_to_pay().status == "succeeded"


@shows("too_little")
def _(scene: Scene) -> None:
    """The client lowers what is owed."""
    owing(scene)
    account = lock_account(scene.session, scene.account_id)
    lower = {"kind": EntryKind.ADJUSTED, "source": "question:later", "now": scene.clock.now()}
    post(scene.session, account, amount_cents=Cents(-1239_70), **lower)


@shows("notice_first")
def _(scene: Scene) -> None:
    """VN-04."""
    agency = {"collector_role": CollectorRole.THIRD_PARTY_AGENCY}
    defaults = {"debt_purpose": "consumer", "default_at_placement": True}
    scene.begin(limits={}, **agency, placement_defaults=defaults).place()


@shows("time_barred")
def _(scene: Scene) -> None:
    """TB-02."""
    owing(scene, sol_expires_on="2026-12-01").wait(days=10)


@shows("client_frozen")
def _(scene: Scene) -> None:
    """EV-08: the record does not hold."""
    owing(scene)
    raise_alarms(
        scene.session,
        scene.client_id,
        [Broken("a chain of leaves is whole", "here")],
        now=scene.clock.now(),
    )


@shows("proposal_waits")
def _(scene: Scene) -> None:
    inside(scene).suggest()


@shows("proposal_answered")
def _(scene: Scene) -> None:
    inside(scene).answer_proposal("accept", days="14")


@shows("proposal_declined")
def _(scene: Scene) -> None:
    inside(scene).answer_proposal("decline", reason="too_low", more="")


@shows("offer_ended")
def _(scene: Scene) -> None:
    """A settlement of young accounts only, which stands for two days."""
    young = Band(to_days=210, tiers=(Tier(7_000, valid_for_days=2),))
    bands = (young, Band(from_days=210))
    scene.begin(limits={"bands": bands}).place().invite().come_in().wait(days=8)


@shows("plan_ended")
def _(scene: Scene) -> None:
    """A plan by hand is paid once and then no more."""
    inside(scene)
    to = f"{scene.home}/plan"
    typed = {"amount": "10400", "frequency": "monthly", "start": "today", "method": "manual"}
    review = scene.dana.get(send(scene.dana, scene.dana.get(to), to, **typed).location)
    send(scene.dana, review, f"{scene.home}/accept")
    first: Payment = scene.newest(Payment)
    control.pay(scene.stripe.world, first.checkout_id or "", "visa")
    scene.land(first)
    for _ in range(100):
        scene.wait(days=1)
        scene.see()
        for one in breaking.late(scene.session, scene.client_id, now=scene.clock.now()):
            breaking.look_after(scene.session, scene.client_id, one, now=scene.clock.now())
            scene.deliver()


@shows("no_limits")
def _(scene: Scene) -> None:
    scene.begin().place()


@shows("only_all")
def _(scene: Scene) -> None:
    scene.begin(limits={"bands": (Band(),), "plan": None}).place()


@shows("money_question")
def _(scene: Scene) -> None:
    """The client's next file names another balance while she pays."""
    inside(scene).start_paying()
    scene.place(current_balance="1100.00")


@shows("payment_processing")
def _(scene: Scene) -> None:
    """PY-10: a debit takes days."""
    inside(scene).try_to_pay("bank_success")


@shows("debit_returned")
def _(scene: Scene) -> None:
    payment = inside(scene).try_to_pay("bank_success")
    failure = "insufficient_funds"
    control.finish_debit(scene.stripe.world, payment.intent_id or "", failure=failure)
    scene.land(payment)


def declined(code: str) -> Act:
    """Her bank declines the card with this code (PY-09)."""

    def act(scene: Scene) -> None:
        inside(scene)
        with declining(code):
            scene.try_to_pay()

    return act


for _cause, _code in {
    "no_funds": "insufficient_funds",
    "card_expired": "expired_card",
    "card_reported": "stolen_card",
    "card_mistyped": "incorrect_cvc",
    "bank_asks_owner": "authentication_required",
    "permission_ended": "revocation_of_all_authorizations",
    "bank_refused": "do_not_honor",
}.items():
    ACTS[_cause] = declined(_code)


@shows("stripe_refused")
def _(scene: Scene) -> None:
    """So much at once Stripe does not take."""
    inside(scene, current_balance="1200000.00")
    page = scene.dana.get(link(scene.dana.get(scene.home), "Pay it all today"))
    send(scene.dana, page, f"{scene.home}/accept")


@shows("stripe_silent")
def _(scene: Scene) -> None:
    inside(scene)
    page = scene.dana.get(link(scene.dana.get(scene.home), "Pay it all today"))
    faults = scene.stripe.world.faults
    faults.plan(Fault.UNAVAILABLE, times=500, method="POST", path="/v1/checkout/sessions")
    send(scene.dana, page, f"{scene.home}/accept")


@shows("page_left")
def _(scene: Scene) -> None:
    inside(scene).start_paying()


@shows("page_expired")
def _(scene: Scene) -> None:
    payment = inside(scene).start_paying()
    scene.wait(minutes=61).come_in().land(payment)


@shows("identity_locked")
def _(scene: Scene) -> None:
    """PR-03."""
    owing(scene).invite().answer(times=5)


@shows("callers_locked")
def _(scene: Scene) -> None:
    """PR-01, EC-08."""
    owing(scene).desk(f"{scene.desk_path}/caller", who="theirs")
    for _ in range(5):
        fill_in(scene.sam, "/support/on-the-line", WRONG)
    scene.see()


@shows("facts_missing")
def _(scene: Scene) -> None:
    """The file came without her date of birth."""
    owing(scene, date_of_birth="").invite()


@shows("facts_in_doubt")
def _(scene: Scene) -> None:
    owing(scene).invite().answer(times=4)
    scene.wait(days=1).invite().answer()


@shows("wrong_answers")
def _(scene: Scene) -> None:
    owing(scene).invite().answer(times=2)


@shows("in_app_browser")
def _(scene: Scene) -> None:
    owing(scene).invite().wait(minutes=5).open(IN_APP)


@shows("stopped_at_door")
def _(scene: Scene) -> None:
    owing(scene).invite().wait(minutes=5).open()


@shows("scanner_only")
def _(scene: Scene) -> None:
    """CT-05: a machine is nobody."""
    owing(scene).invite().open("Mimecast Scanner", looks=False)


@shows("link_replaced")
def _(scene: Scene) -> None:
    owing(scene).invite().wait(days=15).invite()


@shows("nobody_opened")
def _(scene: Scene) -> None:
    owing(scene).invite().wait(hours=3)


@shows("link_expired")
def _(scene: Scene) -> None:
    owing(scene).invite().wait(days=15)


@shows("link_revoked")
def _(scene: Scene) -> None:
    owing(scene).invite()
    scene.desk(f"/support/links/{scene.newest(AccessLink).id}/revoke", reason="lost")


@shows("no_link")
def _(scene: Scene) -> None:
    owing(scene)


@shows("message_bounced")
def _(scene: Scene) -> None:
    """EC-09."""
    owing(scene).invite().carrier_says(Fate.BOUNCED, "5.1.1")


@shows("message_failed")
def _(scene: Scene) -> None:
    owing(scene).invite().carrier_says(Fate.FAILED, "5.7.1")


@shows("text_failed")
def _(scene: Scene) -> None:
    scene.begin(limits={}, sms_enabled=True).place().invite("sms")
    scene.carrier_says(Fate.FAILED, "30003")


class Down(OutboxMailer):
    """A mail provider that does not answer."""

    def send(self, mail: Mail, body: bytes) -> str:
        raise Unreachable("timeout")


@shows("provider_down")
def _(scene: Scene) -> None:
    scene.mailer = Down()
    owing(scene).invite()


@shows("outside_hours")
def _(scene: Scene) -> None:
    """CT-01: at three in the morning, we write first."""
    owing(scene).wait(hours=15).ask_link(asked="staff").deliver()


@shows("cap_reached")
def _(scene: Scene) -> None:
    """CT-05: the second invitation of a day."""
    owing(scene).wait(days=1).invite(asked="staff")
    scene.wait(hours=1).invite(asked="staff")


@shows("message_held_back")
def _(scene: Scene) -> None:
    """EC-05: it was queued, and then she asked us to stop."""
    owing(scene).ask_link(asked="staff")
    message = scene.newest(AccessLink)
    contact = scene.session.get_one(Contact, (message.client_id, message.contact_id))
    opt_out(scene.session, contact, source="web", keep=(), now=scene.clock.now())
    scene.session.commit()


@shows("letter_waits")
def _(scene: Scene) -> None:
    owing(scene).ask_link("letter")


@shows("wrong_address")
def _(scene: Scene) -> None:
    """EC-08: whoever got it says that they are not Dana."""
    owing(scene).invite()
    to = f"{scene.door}/wrong-person"
    scene.dana.post(to, data=form_of(scene.dana.get(to)))


@shows("address_bounces")
def _(scene: Scene) -> None:
    ACTS["message_bounced"](scene)


@shows("opted_out")
def _(scene: Scene) -> None:
    ACTS["message_held_back"](scene)


@shows("text_unread")
def _(scene: Scene) -> None:
    """EC-06."""
    scene.begin(limits={}, sms_enabled=True).place().invite("sms")
    phone = scene.contact("sms").address
    words = "I cant find it, did you remove it?"
    take_text(scene.session, scene.client_id, phone, words, now=scene.clock.now())


@shows("no_address")
def _(scene: Scene) -> None:
    owing(scene, email="", phone="", address_1="")


def holds(kind: str) -> Act:
    """Sam holds the account (DH-08)."""

    def act(scene: Scene) -> None:
        owing(scene).desk(f"{scene.desk_path}/hold", kind=kind, reason="She told me so")

    return act


ACTS |= {
    cause.code: holds(cause.code.removeprefix("hold_"))
    for cause in CAUSES
    if cause.code.startswith("hold_")
}
