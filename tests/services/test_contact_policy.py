"""What people wish, what permits an address and which notice came first, as dispatch finds them."""

import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from portal.domain.channels import Channel
from portal.domain.debts import CollectorRole
from portal.domain.outgoing import Rule
from portal.domain.permissions import Basis
from portal.domain.statuses import MessageStatus
from portal.domain.wishes import NothingLeft, WishKind
from portal.gateways.rnd import CheckUnreadable, NumberCheck, Reassigned, ReassignedNumbersFile
from portal.models import ContactPreference, ContactStop, Message, StopKind, fresh_id
from portal.services import contact_wishes, evidence, first_notices
from portal.services.answered_texts import take_text
from portal.services.clearance import sent_lately
from portal.services.contact_wishes import by_phone, in_force, on_portal
from portal.services.permissions import (
    CreditorNotice,
    DeadlineTooSoon,
    NoticeUnreadable,
    read_notices,
    record_check,
    record_notice,
    record_notices,
    record_permission,
)
from portal.services.verify import verify_client
from tests.factories import NOW
from tests.services.test_dispatch import Dana, carriers, dana, letters, make_dana, new_york

__all__ = ["carriers", "dana", "make_dana"]

Make = Callable[..., Dana]
DAY = timedelta(days=1)
NUMBER = "+15035550123"
SAM = fresh_id()


def wish(dana: Dana, kind: WishKind, value: str, words: str = "As I said.") -> None:
    told = by_phone(SAM, words)
    contact_wishes.state(dana.session, dana.debtor, kind, value, told=told, now=NOW)


def result(dana: Dana, message: Message, now: datetime = NOW) -> tuple[str, str | None]:
    dana.dispatch(message, now)
    return message.status, message.rule


# Where and when


def test_ct_02_who_moved_west_since_it_was_queued_is_not_woken(dana: Dana):
    """CT-01, CT-02: the hours are those of the place where the debtor is at dispatch."""
    morning = new_york(8)
    message = dana.queue(now=NOW - DAY)
    dana.debtor.region, dana.debtor.time_zone = "CA", "America/Los_Angeles"
    dana.session.flush()
    assert result(dana, message, morning) == ("deferred", Rule.HOURS)
    assert message.send_at == morning + timedelta(hours=3)
    assert result(dana, message, message.send_at) == ("sent", None)
    assert dana.leaves()[-1].payload["packs"] == ["US@1", "US-CA@1"]
    assert list(verify_client(dana.session, message.client_id)) == []


def test_ca_03_nobody_in_quebec_is_written_to_on_a_sunday(make_dana: Make):
    """CA-03; what is sent before eight in Ontario is held against Ontario's own hours."""
    person = make_dana(region="QC", country="CA", time_zone="America/Montreal", postal_code="G1R")
    sunday = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)
    message = person.queue(now=sunday)
    assert result(person, message, sunday) == ("deferred", Rule.QUEBEC)
    assert message.send_at == datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
    person.debtor.region = "ON"
    person.session.flush()
    early = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)  # five past seven in its west
    other = person.queue(dedupe_key="early", now=sunday)
    assert result(person, other, early) == ("sent", None)
    assert list(verify_client(person.session, message.client_id)) == []


# Wishes


def test_ct_03_what_was_said_on_the_phone_counts_at_once_and_keeps_its_words(dana: Dana):
    """CT-03: not on Tuesday mornings; the send of Tuesday at ten waits."""
    message = dana.queue()
    wish(dana, WishKind.NOT_AT, "tue morning", "Never on Tuesday mornings, I am at dialysis.")
    tuesday = new_york(10, day=24)
    assert result(dana, message, tuesday) == ("deferred", Rule.WISH)
    assert message.send_at == new_york(12, day=24)
    (leaf,) = dana.leaves("preference.")
    assert leaf.type == "preference.stated"
    assert leaf.payload["actor"] == evidence.staff(SAM)
    assert leaf.payload["words"] == "Never on Tuesday mornings, I am at dialysis."
    (row,) = in_force(dana.session, dana.debtor)
    assert (row.value, row.source, row.recorded_by) == ("tue morning", "staff", SAM)
    wish(dana, WishKind.NOT_AT, "tue morning")
    assert len(in_force(dana.session, dana.debtor)) == 1
    contact_wishes.end(dana.session, dana.debtor, row, told=on_portal(dana.debtor), now=NOW + DAY)
    assert result(dana, dana.queue(dedupe_key="later"), tuesday) == ("sent", None)
    assert dana.leaves("preference.")[-1].type == "preference.ended"


def test_ct_03_only_by_email_holds_texts_and_letters_back(make_dana: Make):
    person = make_dana(sms_enabled=True, channel="sms", address=NUMBER)
    text, letter = person.queue(), person.queue(dedupe_key="letter", channel=Channel.LETTER)
    assert letter.status == MessageStatus.QUEUED
    wish(person, WishKind.ONLY, "email")
    assert result(person, text) == ("suppressed", Rule.WISH)
    other = person.queue(dedupe_key="another", channel=Channel.LETTER)
    assert (other.status, other.rule) == (MessageStatus.SUPPRESSED, Rule.WISH)
    required = person.queue("automatic_stopped", channel=Channel.LETTER)
    assert required.status == MessageStatus.QUEUED


def test_ct_03_only_by_letter_takes_all_that_follows_to_paper(dana: Dana):
    reply, receipt = dana.queue(), dana.queue("receipt")
    wish(dana, WishKind.ONLY, "email")
    wish(dana, WishKind.ONLY, "letter")
    assert [one.value for one in in_force(dana.session, dana.debtor)] == ["letter"]
    assert result(dana, reply) == ("suppressed", Rule.WISH)
    assert result(dana, receipt) == ("suppressed", Rule.WISH)
    assert letters(dana) == [("receipt", "queued")]
    dana.queue(dedupe_key="answered later")
    assert letters(dana) == [("receipt", "queued"), ("thread_reply", "queued")]


def test_ct_07_an_address_at_work_is_not_written_to_any_more(dana: Dana):
    """CT-03, CT-07"""
    told = by_phone(SAM, "That is my work mail.")
    contact_wishes.never_at(dana.session, dana.contact, told=told, now=NOW)
    assert dana.contact.at_work
    assert result(dana, dana.queue()) == ("suppressed", Rule.WISH)
    asked = dana.queue(asked_for=True, dedupe_key="asked")
    assert result(dana, asked) == ("sent", None)


def test_ct_03_what_waits_goes_in_the_new_language(dana: Dana):
    message = dana.queue()
    told = by_phone(SAM, "En español, por favor.")
    contact_wishes.choose_language(dana.session, dana.debtor, "es", told=told, now=NOW)
    dana.dispatch(message)
    assert message.locale == "es"
    assert "Le" in dana.mails[-1].text
    (row,) = dana.session.scalars(select(ContactPreference)).all()
    assert (row.kind, row.value, row.words) == ("language", "es", "En español, por favor.")


def test_ct_03_a_page_of_times_takes_the_place_of_the_one_before(dana: Dana):
    told = on_portal(dana.debtor)
    wish(dana, WishKind.NOT_AT, "tue morning")

    def choose(days: list[str], part: str) -> list[str]:
        contact_wishes.choose_times(
            dana.session, dana.debtor, days=days, part=part, told=told, now=NOW
        )
        return sorted(one.value for one in in_force(dana.session, dana.debtor))

    assert choose(["sun"], "any") == ["sun any", "tue morning"]
    assert choose([], "evening") == ["any afternoon", "any morning", "tue morning"]
    assert choose([], "any") == ["tue morning"]
    with pytest.raises(NothingLeft):
        choose(["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "any")


# Permissions


def test_ec_01_a_creditors_notice_opens_an_agencys_address_on_day_36(make_dana: Make):
    """EC-01: day 34 is blocked, day 36 is allowed; the receipt of day 34 goes by letter."""
    person = make_dana(
        collector_role=CollectorRole.THIRD_PARTY_AGENCY,
        address="dana@gmail.com",
        region="NJ",
        validation_notice_sent_on=date(2026, 11, 1),
    )
    first = person.queue("receipt")
    assert result(person, first) == ("suppressed", Rule.NO_PERMISSION)
    assert letters(person) == [("receipt", "queued")]
    notice = CreditorNotice(
        sent_on=date(2026, 11, 23), deadline_on=date(2026, 12, 28), document_sha256=bytes(32)
    )
    record_notice(person.session, person.contact, notice, source="placement", now=NOW)
    for day, status in ((34, "suppressed"), (36, "sent")):
        at = NOW + day * DAY
        assert person.dispatch(person.queue(dedupe_key=f"{day}", now=at), at).status == status
    (leaf,) = person.leaves("contact.permitted")
    assert (leaf.payload["basis"], leaf.payload["deadline_on"]) == ("creditor_notice", "2026-12-28")
    short = CreditorNotice(
        sent_on=date(2026, 11, 23), deadline_on=date(2026, 12, 27), document_sha256=bytes(32)
    )
    with pytest.raises(DeadlineTooSoon):
        record_notice(person.session, person.contact, short, source="placement", now=NOW)


def test_ec_01_a_file_of_notices_is_kept_for_the_addresses_that_are_known(dana: Dana):
    line = f"{dana.contact.address.upper()},2026-11-23,2026-12-28,{'ab' * 32}"
    head = "email,sent_on,deadline_on,copy_sha256"
    other = f"nobody@example.com{line[line.index(',') :]}"
    found = read_notices(io.BytesIO(f"{head}\n{line}\n{other}\n".encode()))
    client_id = dana.account.client_id
    assert record_notices(dana.session, client_id, found, source="file:x", now=NOW) == 1
    (leaf,) = dana.leaves("contact.permitted")
    assert (leaf.payload["source"], leaf.payload["notice_sent_on"]) == ("file:x", "2026-11-23")
    for wrong in ("dana,2026-11-23,2026-12-28," + "ab" * 32, "a@b.com,soon,2026-12-28,ab", ","):
        with pytest.raises(NoticeUnreadable):
            read_notices(io.BytesIO(f"{head}\n{wrong}\n".encode()))


@pytest.fixture
def texted(make_dana: Make) -> Dana:
    """Dana has a number only, given to the creditor 61 days ago."""
    person = make_dana(sms_enabled=True, channel="sms", address=NUMBER, region="NJ")
    person.contact.created_at = NOW - 61 * DAY
    person.session.flush()
    return person


def check(dana: Dana, result: Reassigned, at: datetime = NOW) -> int:
    answer = NumberCheck(NUMBER, at, result)
    return record_check(dana.session, dana.account.client_id, answer, now=NOW)


def test_ec_02_a_number_rests_after_60_days_until_the_database_confirms_it(texted: Dana):
    """EC-02"""
    assert result(texted, texted.queue()) == ("suppressed", Rule.NUMBER_STALE)
    assert check(texted, Reassigned.NO_DATA) == 1
    assert result(texted, texted.queue(dedupe_key="2")) == ("suppressed", Rule.NUMBER_STALE)
    assert check(texted, Reassigned.NO) == check(texted, Reassigned.NO) == 1
    assert result(texted, texted.queue(dedupe_key="3")) == ("sent", None)
    assert len(texted.leaves("contact.permitted")) == 1


def test_ec_02_a_number_that_was_given_to_somebody_else_is_closed(texted: Dana):
    """EC-02: what waits to go there is dropped in the same transaction."""
    waiting = texted.queue()
    assert check(texted, Reassigned.YES) == 1
    texted.session.refresh(waiting)
    assert (waiting.status, waiting.rule) == (MessageStatus.SUPPRESSED, Rule.NUMBER_STALE)
    (stop,) = texted.session.scalars(select(ContactStop)).all()
    assert (stop.kind, stop.address) == (StopKind.REASSIGNED, NUMBER)
    check(texted, Reassigned.NO, NOW + DAY)
    again = texted.queue(dedupe_key="2", contact=texted.contact)
    assert result(texted, again) == ("suppressed", Rule.NUMBER_STALE)


def test_ec_02_a_text_from_the_number_confirms_it_once_a_day(texted: Dana):
    client_id = texted.account.client_id
    for _ in range(2):
        assert take_text(texted.session, client_id, NUMBER, "Thank you", now=NOW)
    assert len(texted.leaves("contact.permitted")) == 1
    assert result(texted, texted.queue()) == ("sent", None)


def test_ec_02_the_file_of_answers_is_read_line_by_line(tmp_path: Path):
    path = tmp_path / "answers.csv"
    path.write_text("number,checked_at,result\n+15035550123,2026-11-23T09:00:00-05:00,No\n")
    (found,) = ReassignedNumbersFile(path).checks()
    at = datetime(2026, 11, 23, 14, tzinfo=UTC)
    assert found == NumberCheck(NUMBER, at, Reassigned.NO)
    for wrong in ("5035550123,2026-11-23,no", "+15035550123,soon,no", "+15035550123,2026-11-23,x"):
        path.write_text(f"number,checked_at,result\n{wrong}\n")
        with pytest.raises(CheckUnreadable):
            list(ReassignedNumbersFile(path).checks())
    path.write_text("number,result\n")
    with pytest.raises(CheckUnreadable):
        list(ReassignedNumbersFile(path).checks())


def test_st_01_new_york_city_wants_a_recorded_consent(make_dana: Make):
    person = make_dana(region="NY", postal_code="10001")
    assert result(person, person.queue()) == ("suppressed", Rule.NO_PERMISSION)
    record_permission(
        person.session,
        person.contact,
        Basis.DIRECT_CONSENT,
        source="phone",
        words="Yes, write to me there.",
        at=NOW,
    )
    assert result(person, person.queue(dedupe_key="2")) == ("sent", None)


# First notices


def collected(make_dana: Make, region: str, zone: str, **given: Any) -> Dana:
    person = make_dana(
        collector_role=CollectorRole.THIRD_PARTY_AGENCY,
        country="CA",
        region=region,
        time_zone=zone,
        postal_code=None,
        validation_notice_sent_on=date(2026, 11, 18),
        **given,
    )
    person.contact.permission_basis = "direct_consent"
    person.session.flush()
    return person


def test_ca_01_a_notice_that_did_not_arrive_begins_the_wait_again(make_dana: Make):
    """CA-01: five days after it nothing is sent first, and not before six after the next one."""
    person = collected(make_dana, "ON", "America/Toronto")
    reasons = []
    for at in (NOW, NOW + DAY):
        reasons.append(result(person, person.link(dedupe_key=f"{at}", now=at), at))
    assert reasons == [("suppressed", Rule.ONTARIO), ("sent", None)]
    first_notices.notice_missed(person.session, person.account, by=SAM, now=NOW + DAY)
    first_notices.record_notice(
        person.session, person.account, date(2026, 11, 25), on_paper=True, by=SAM, now=NOW + 2 * DAY
    )
    for day, rule in ((7, Rule.ONTARIO), (8, None)):
        at = NOW + day * DAY
        assert result(person, person.link(dedupe_key=f"{at}", now=at), at)[1] == rule
    kinds = [leaf.type for leaf in person.leaves("notice.")]
    assert kinds == ["notice.missed", "notice.given"]


def test_ca_03_an_email_is_no_first_notice_in_quebec(make_dana: Make):
    person = collected(make_dana, "QC", "America/Montreal")
    late = NOW + 7 * DAY
    assert result(person, person.link(now=late), late) == ("suppressed", Rule.QUEBEC)
    first_notices.record_notice(
        person.session, person.account, date(2026, 11, 20), on_paper=True, by=SAM, now=NOW
    )
    assert result(person, person.link(dedupe_key="2", now=late), late) == ("sent", None)
    for day, refused in (
        (date(2026, 11, 24), first_notices.NoticeInFuture),
        (date(2020, 1, 1), first_notices.NoticeTooEarly),
    ):
        with pytest.raises(refused):
            first_notices.record_notice(
                person.session, person.account, day, on_paper=True, by=SAM, now=NOW
            )


def test_ca_01_a_notice_that_the_clients_file_names_may_be_older(make_dana: Make):
    person = collected(make_dana, "QC", "America/Montreal")
    old = person.account.validation_notice_sent_on = date(2025, 3, 1)
    first_notices.record_notice(person.session, person.account, old, on_paper=True, by=SAM, now=NOW)
    assert result(person, person.link()) == ("sent", None)


# What is counted apart


def test_ct_05_required_copies_are_counted_and_do_not_use_up_the_cap(dana: Dana):
    """CT-05: four copies on one day are exempt, and staff see how many there were."""
    for n in range(4):
        copy = dana.queue("automatic_stopped", dedupe_key=f"{n}")
        copy.status, copy.sent_at = MessageStatus.SENT, NOW
    dana.session.flush()
    assert result(dana, dana.link()) == ("sent", None)
    assert result(dana, dana.queue()) == ("sent", None)
    found = sent_lately(dana.session, dana.debtor, NOW + timedelta(minutes=1))
    assert (found.contacts, found.copies, found.answers) == (1, 4, 1)
