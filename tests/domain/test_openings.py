"""Scanners of mail and previews of chats are told from people, and never counted as contact."""

import pytest

from portal.domain.openings import TOO_SOON_S, Opener, Opening, opener_of

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)
FACEBOOK_APP = f"{IPHONE} [FBAN/FBIOS;FBAV/512.0.0]"
IMESSAGE = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko)"
    " Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0"
)


@pytest.mark.parametrize(
    "agent",
    [
        IMESSAGE,
        "WhatsApp/2.23.20.0",
        "WhatsApp/2.2520.2 W",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "TelegramBot (like TwitterBot)",
        "Twitterbot/1.0",
        "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
        "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
        "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
        "Viber/22.8",
    ],
)
@pytest.mark.parametrize("drew", [False, True])
def test_a_chat_that_draws_a_preview_is_no_person(agent: str, drew: bool):
    assert opener_of(Opening(user_agent=agent, drew=drew)) is Opener.PREVIEW


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "BarracudaCentral/1.0",
        "Mimecast-URL-Protection",
        "Mozilla/5.0 (compatible; Proofpoint URL Defense)",
        "Microsoft Office/16.0 (Microsoft Outlook 16.0.14326; Pro)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/126.0 Safari/537.36",
        "python-requests/2.32.3",
        "curl/8.9.1",
        "Go-http-client/2.0",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    ],
)
@pytest.mark.parametrize("drew", [False, True])
def test_what_calls_itself_a_program_is_a_scanner(agent: str, drew: bool):
    assert opener_of(Opening(user_agent=agent, drew=drew)) is Opener.SCANNER


@pytest.mark.parametrize(
    "opening",
    [
        Opening(user_agent=FIREFOX, method="HEAD"),
        Opening(user_agent=FIREFOX, drew=True, after_s=0),
        Opening(user_agent=FIREFOX, drew=True, after_s=TOO_SOON_S - 1),
        Opening(user_agent=FIREFOX, drew=True, beside=1),
        Opening(user_agent=FIREFOX, drew=True, ahead=True),
        Opening(user_agent=FIREFOX),
        Opening(user_agent=FIREFOX, after_s=3600),
    ],
)
def test_what_a_scanner_does_under_a_browsers_name_is_a_scanners(opening: Opening):
    """At once, several times in a second, before anybody asked, or without looking at the page."""
    assert opener_of(opening) is Opener.SCANNER


@pytest.mark.parametrize(
    ("agent", "opener"),
    [(FIREFOX, Opener.PERSON), (IPHONE, Opener.PERSON), (FACEBOOK_APP, Opener.IN_APP)],
)
@pytest.mark.parametrize("after_s", [None, TOO_SOON_S, 86_400])
def test_who_looks_at_the_page_is_a_person_here_or_inside_another_app(
    agent: str, opener: Opener, after_s: int | None
):
    opening = Opening(user_agent=agent, drew=True, after_s=after_s)
    assert opener_of(opening) is opener


@pytest.mark.parametrize("agent", [FIREFOX, "", "curl/8.9.1"])
def test_who_answers_is_a_person_whatever_the_browser_is_called(agent: str):
    """Somebody who reads by a text browser draws nothing, and still answers the questions."""
    opening = Opening(method="POST", user_agent=agent, posted=True, after_s=2, beside=1)
    assert opener_of(opening) is Opener.PERSON
