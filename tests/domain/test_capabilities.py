"""What may be done with an account: SC-04, DH-08 and compliance Appendix B."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.capabilities import (
    TOO_LITTLE,
    AccountStanding,
    Capabilities,
    NotAllowedNow,
    capabilities,
    is_time_barred,
)
from portal.domain.debts import CollectorRole, DebtPurpose
from portal.domain.holds import HOLD_MATRIX, HOLD_SENTENCES, Capability, HoldKind, Permission
from portal.domain.money import Cents
from portal.domain.statuses import AccountStatus

TODAY = date(2026, 11, 23)
CREDITOR = AccountStanding(
    role=CollectorRole.FIRST_PARTY_CREDITOR,
    purpose=DebtPurpose.CONSUMER,
    status=AccountStatus.OPEN,
    balance_cents=Cents(124_000),
    currency="USD",
    validation_notice_sent_on=None,
    sol_expires_on=None,
)
AGENCY = replace(
    CREDITOR,
    role=CollectorRole.THIRD_PARTY_AGENCY,
    validation_notice_sent_on=TODAY - timedelta(days=10),
)
DATES = st.none() | st.dates(date(2026, 11, 1), date(2026, 12, 31))
STANDINGS = st.builds(
    AccountStanding,
    role=st.sampled_from(CollectorRole),
    purpose=st.sampled_from(DebtPurpose),
    status=st.sampled_from(AccountStatus),
    balance_cents=st.integers(-100, 100_000).map(Cents),
    currency=st.sampled_from(["USD", "CAD"]),
    validation_notice_sent_on=DATES,
    sol_expires_on=DATES,
)
HOLDS = st.sets(st.sampled_from(HoldKind))


def signs(caps: Capabilities) -> str:
    """The verdicts as a row of the matrix."""
    return " ".join("+S-"[caps.of(capability).permission] for capability in Capability)


@pytest.mark.parametrize("standing", [CREDITOR, AGENCY], ids=["creditor", "agency"])
def test_an_ordinary_account_may_do_everything(standing: AccountStanding) -> None:
    caps = capabilities(standing, [], TODAY)
    assert signs(caps) == "+ + + + + + + +"
    assert caps.pay.reasons == ()


@pytest.mark.parametrize("kind", HoldKind)
def test_dh_08_each_hold_leaves_what_its_row_says(kind: HoldKind) -> None:
    rule, row = HOLD_MATRIX[kind]
    caps = capabilities(CREDITOR, [kind], TODAY)
    assert signs(caps) == row
    for capability in Capability:
        verdict = caps.of(capability)
        expected = () if verdict.allowed else (rule,)
        assert verdict.rules == expected
        assert all(reason.hold is kind for reason in verdict.reasons)


APPENDIX_B = {
    HoldKind.DISPUTE: "- S - -",
    HoldKind.ORIGINAL_CREDITOR_REQUEST: "- S - -",
    HoldKind.IDENTITY_THEFT: "- - - -",
    HoldKind.BANKRUPTCY: "- S - -",
    HoldKind.DECEASED: "- S - -",
    HoldKind.ATTORNEY: "S + + -",
    HoldKind.DEBT_COUNSELLOR: "S + + -",
    HoldKind.CEASE_ALL: "+ + + -",
    HoldKind.SCRA: "+ + + +",
    HoldKind.NY_SUBSTANTIATION: "- S - -",
    HoldKind.BREATHING_SPACE: "- + - -",
}


@pytest.mark.parametrize("kind", APPENDIX_B)
def test_appendix_b_offers_pay_autopay_and_reminders(kind: HoldKind) -> None:
    caps = capabilities(AGENCY, [kind], TODAY)
    columns = (caps.offer, caps.pay, caps.charge, caps.send)
    assert " ".join("+S-"[verdict.permission] for verdict in columns) == APPENDIX_B[kind]


def test_every_hold_has_its_sentence() -> None:
    assert set(HOLD_SENTENCES) == set(HOLD_MATRIX) == set(HoldKind)


@pytest.mark.parametrize("kind", [HoldKind.NOT_MY_DEBT, HoldKind.AMOUNT_WRONG, HoldKind.HARDSHIP])
def test_nothing_is_charged_while_a_help_request_waits(kind: HoldKind) -> None:
    caps = capabilities(CREDITOR, [kind], TODAY)
    assert not caps.charge.staff_allowed
    assert not caps.send.allowed
    assert caps.show.allowed
    assert caps.answer.allowed


@given(STANDINGS, HOLDS, st.sampled_from(HoldKind))
def test_dh_08_another_hold_never_allows_more(
    standing: AccountStanding, holds: set[HoldKind], more: HoldKind
) -> None:
    before = capabilities(standing, holds, TODAY)
    after = capabilities(standing, holds | {more}, TODAY)
    for capability in Capability:
        assert after.of(capability).permission >= before.of(capability).permission
        assert set(before.of(capability).reasons) <= set(after.of(capability).reasons)


@given(STANDINGS, HOLDS)
def test_what_is_not_allowed_always_has_a_reason_and_a_sentence(
    standing: AccountStanding, holds: set[HoldKind]
) -> None:
    caps = capabilities(standing, holds, TODAY)
    for capability in Capability:
        verdict = caps.of(capability)
        assert verdict.allowed == (not verdict.reasons)
        assert all(reason.rule and reason.message for reason in verdict.reasons)


@given(STANDINGS, HOLDS)
def test_nothing_is_asked_of_who_owes_nothing(
    standing: AccountStanding, holds: set[HoldKind]
) -> None:
    paid = replace(standing, balance_cents=Cents(0))
    caps = capabilities(paid, holds, TODAY)
    for verdict in (caps.offer, caps.accept, caps.pay, caps.charge, caps.send):
        assert verdict.permission is Permission.DENIED


@pytest.mark.parametrize("currency", ["USD", "CAD"])
def test_what_nobody_can_be_charged_is_not_asked_for(currency: str) -> None:
    """PY-01: Stripe takes no payment below 50 cents."""
    rest = replace(CREDITOR, balance_cents=Cents(49), currency=currency)
    caps = capabilities(rest, [], TODAY)
    assert signs(caps) == "+ + - - - - - +"
    assert {caps.pay.reasons, caps.charge.reasons, caps.send.reasons} == {(TOO_LITTLE,)}
    enough = replace(rest, balance_cents=Cents(50))
    assert signs(capabilities(enough, [], TODAY)) == "+ + + + + + + +"


@pytest.mark.parametrize("role", [*CollectorRole])
def test_vn_04_an_agency_account_without_a_notice_gets_no_link_and_no_message(
    role: CollectorRole,
) -> None:
    standing = replace(AGENCY, role=role, validation_notice_sent_on=None)
    caps = capabilities(standing, [], TODAY)
    waits = role in ("third_party_agency", "debt_buyer", "law_firm")
    assert caps.link.allowed is not waits
    assert caps.send.allowed is not waits
    assert caps.show.allowed is not waits
    assert ("VN-04" in caps.link.rules) is waits
    assert caps.answer.allowed


def test_vn_04_a_notice_counts_from_the_day_it_is_sent() -> None:
    tomorrow = replace(AGENCY, validation_notice_sent_on=TODAY + timedelta(days=1))
    assert not capabilities(tomorrow, [], TODAY).link.allowed
    assert capabilities(tomorrow, [], TODAY + timedelta(days=1)).link.allowed


def test_vn_01_a_commercial_debt_needs_no_notice() -> None:
    standing = replace(AGENCY, purpose=DebtPurpose.COMMERCIAL, validation_notice_sent_on=None)
    assert capabilities(standing, [], TODAY).link.allowed


def test_tb_01_a_debt_is_time_barred_on_the_day_itself() -> None:
    assert is_time_barred(TODAY, TODAY)
    assert not is_time_barred(TODAY + timedelta(days=1), TODAY)
    assert not is_time_barred(None, TODAY)


def test_tb_02_a_time_barred_account_gets_no_link_and_no_offer() -> None:
    caps = capabilities(replace(CREDITOR, sol_expires_on=TODAY), [], TODAY)
    assert signs(caps) == "- + - - S - - +"
    assert caps.link.rules == ("TB-02",)


def test_a_recalled_account_is_answered_for_and_nothing_else() -> None:
    recalled = replace(CREDITOR, status=AccountStatus.RECALLED)
    assert signs(capabilities(recalled, [], TODAY)) == "- - - - - - - +"


@pytest.mark.parametrize("status", [AccountStatus.PAID, AccountStatus.SETTLED])
def test_a_paid_account_may_still_be_looked_at(status: AccountStatus) -> None:
    closed = replace(CREDITOR, status=status, balance_cents=Cents(0))
    assert signs(capabilities(closed, [], TODAY)) == "+ + - - - - - +"


def test_the_strictest_reason_comes_first_and_speaks() -> None:
    holds = [HoldKind.ATTORNEY, HoldKind.BREATHING_SPACE]
    caps = capabilities(CREDITOR, holds, TODAY)
    assert caps.offer.rules == ("UK-02", "CT-08")
    with pytest.raises(NotAllowedNow) as caught:
        caps.require(Capability.OFFER, staff=True)
    assert caught.value.message == HOLD_SENTENCES[HoldKind.BREATHING_SPACE]


def test_staff_may_do_what_is_theirs_alone() -> None:
    caps = capabilities(CREDITOR, [HoldKind.DISPUTE], TODAY)
    caps.require(Capability.PAY, staff=True)
    caps.require(Capability.SHOW)
    with pytest.raises(NotAllowedNow):
        caps.require(Capability.PAY)
