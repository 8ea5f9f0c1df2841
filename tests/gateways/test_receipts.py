"""What carriers post and what comes back as mail, read into one shape (EC-09)."""

import json
import mailbox
from email import message_from_string
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from portal.domain.deliveries import Fate, Report
from portal.gateways.bounces import read_mailbox, read_report
from portal.gateways.receipts import NotReadable, our_id, read_events, twilio_status

ID = UUID("01939f7e-0000-7000-8000-000000000001")
MESSAGE_ID = f"<{ID}@pay.example.com>"


def bounce(
    *, action: str = "failed", status: str = "5.1.1", ours: str = MESSAGE_ID, more: str = ""
) -> str:
    """What a server at the other end writes back."""
    return f"""From: MAILER-DAEMON@mx.example
To: no-reply@pay.example.com
Date: Mon, 23 Nov 2026 12:00:00 -0500
Subject: Undelivered Mail
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It did not work.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; Dana@Mail.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} no such user
{more}
--b
Content-Type: text/rfc822-headers

From: no-reply@pay.example.com
Message-ID: {ours}

--b--
"""


COMPLAINT = f"""From: feedback@isp.example
To: no-reply@pay.example.com
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is a complaint.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Isp/1
Version: 1
Original-Rcpt-To: <dana@mail.example>

--b
Content-Type: message/rfc822

From: no-reply@pay.example.com
Message-ID: {MESSAGE_ID}
Subject: A private message

Hello.
--b--
"""


def read(raw: str) -> list[Report | None]:
    return list(read_report(raw.encode()))


def one(raw: str) -> Report:
    (found,) = read(raw)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("action", "status", "fate"),
    [
        ("failed", "5.1.1", Fate.BOUNCED),
        ("failed", "5.2.2", Fate.FAILED),
        ("failed", "4.4.7", Fate.FAILED),
        ("delayed", "4.4.1", Fate.DELAYED),
        ("delivered", "2.1.5", Fate.DELIVERED),
        ("relayed", "2.1.9", Fate.ACCEPTED),
    ],
)
def test_a_bounce_says_what_became_of_which_message(action: str, status: str, fate: Fate):
    found = one(bounce(action=action, status=status))
    assert (found.kind, found.code, found.message_id) == (fate, status, ID)
    assert found.address == "dana@mail.example"
    assert found.at is not None
    assert found.at.isoformat() == "2026-11-23T17:00:00+00:00"
    assert one(bounce(action=action, status=status)).event_id == found.event_id


def test_a_complaint_names_the_message_that_came_back_with_it():
    found = one(COMPLAINT)
    assert (found.kind, found.code, found.message_id) == (Fate.COMPLAINED, "abuse", ID)
    assert one(COMPLAINT.replace("abuse", "not-spam")).kind is Fate.ACCEPTED


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "Subject: I am on holiday\n\nBack on Monday.",
        "\x00\xff\xfe",
        "Content-Type: multipart/report; boundary=b\n\n--b\n",
        "Content-Type: message/delivery-status\n\n",
        "Content-Type: message/feedback-report\n\nnothing\n",
    ],
)
def test_whatever_else_comes_to_that_mailbox_says_nothing_of_a_message_of_ours(raw: str):
    assert all(found is None or found.message_id is None for found in read(raw))


def test_a_bounce_that_gives_back_no_id_of_ours_names_no_message():
    for ours in ("<123@else.example>", "", f"<{ID}@a@b>", str(ID)[:-1]):
        assert one(bounce(ours=ours)).message_id is None


def test_a_mailbox_is_read_message_by_message_and_so_is_a_single_one(tmp_path: Path):
    box = mailbox.mbox(tmp_path / "box")
    for raw in (bounce(), "Subject: hello\n\nFrom here.\n", COMPLAINT):
        box.add(message_from_string(raw))
    box.close()
    found = [report and report.kind for report in read_mailbox(tmp_path / "box")]
    assert found == [Fate.BOUNCED, None, Fate.COMPLAINED]
    alone = tmp_path / "one.eml"
    alone.write_text(bounce())
    assert [report and report.kind for report in read_mailbox(alone)] == [Fate.BOUNCED]
    (tmp_path / "empty").write_bytes(b"")
    assert list(read_mailbox(tmp_path / "empty")) == [None]


EVENT = {"id": "e-1", "kind": "bounced", "message": MESSAGE_ID, "address": "Dana@Mail.example"}
POSTMARK = {"RecordType": "Bounce", "ID": 7, "MessageID": "x", "Email": "dana@mail.example"}
SES = {
    "eventType": "Bounce",
    "mail": {
        "messageId": "0100",
        "headers": [{"name": "Message-ID", "value": MESSAGE_ID}],
    },
    "bounce": {
        "bounceType": "Permanent",
        "bouncedRecipients": [{"emailAddress": "dana@mail.example", "status": "5.1.1"}],
        "timestamp": "2026-11-23T17:00:00.000Z",
    },
}


def events(told: object) -> list[tuple[str, str, UUID | None]]:
    found = read_events(json.dumps(told).encode(), "email")
    return [(str(one.kind), one.event_id, one.message_id) for one in found]


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ({"events": [EVENT]}, ("bounced", "e-1", ID)),
        ({"events": [EVENT | {"message": str(ID)}]}, ("bounced", "e-1", ID)),
        (POSTMARK | {"Type": "HardBounce"}, ("bounced", "Bounce:7", None)),
        (POSTMARK | {"Type": "Transient"}, ("delayed", "Bounce:7", None)),
        (
            POSTMARK | {"RecordType": "Delivery", "Metadata": {"message": str(ID)}},
            ("delivered", "Delivery:7", ID),
        ),
        (POSTMARK | {"RecordType": "SpamComplaint"}, ("complained", "SpamComplaint:7", None)),
        (SES, ("bounced", "0100:Bounce:0", ID)),
        (
            {"Type": "Notification", "MessageId": "n-1", "Message": json.dumps(SES)},
            ("bounced", "n-1:Bounce:0", ID),
        ),
    ],
)
def test_each_carriers_shape_reads_alike(told: dict[str, Any], read: tuple[str, str, UUID | None]):
    assert events(told) == [read]


@pytest.mark.parametrize(
    "told",
    [
        [],
        1,
        None,
        {},
        {"events": 1},
        {"events": [1]},
        {"events": [{}]},
        {"events": [EVENT | {"kind": "eaten"}]},
        {"events": [EVENT | {"id": ""}]},
        {"events": [EVENT | {"id": "a b"}]},
        {"events": [EVENT | {"id": 1}]},
        {"events": [EVENT] * 501},
        {"RecordType": "Bounce"},
        {"Type": "Notification", "MessageId": "1", "Message": "{"},
        {"eventType": "Bounce"},
    ],
)
def test_what_no_carrier_would_send_is_refused_whole(told: object):
    with pytest.raises(NotReadable):
        events(told)


def test_a_body_that_is_no_json_is_refused():
    for body in (b"", b"\xff", b"{", b"[" * 100_000):
        with pytest.raises(NotReadable):
            read_events(body, "email")


def test_twilio_names_a_text_and_its_status():
    form = {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30006"}
    found = twilio_status(form, ID)
    told = (found.event_id, found.kind, found.code, found.message_id)
    assert told == ("SM1:undelivered", Fate.BOUNCED, "30006", ID)
    for missing in ("MessageSid", "MessageStatus"):
        with pytest.raises(NotReadable):
            twilio_status({**form, missing: ""}, ID)


@pytest.mark.parametrize("text", [MESSAGE_ID, str(ID), f"  {MESSAGE_ID} "])
def test_our_id_is_found_with_and_without_its_domain(text: str):
    assert our_id(text) == ID
