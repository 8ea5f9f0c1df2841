"""Who opened a link: a person, a scanner of mail, or a chat that draws a preview.

Only a person's opening is one. What scanners and previews fetch says nothing about whether anybody
read a message, so it is never counted as contact with the debtor (CT-05).
"""

import re
from dataclasses import dataclass
from enum import StrEnum

TOO_SOON_S = 10
"""Nobody reads a message and follows its link in fewer seconds after it was handed over."""

_PREVIEWS = re.compile(
    r"facebookexternalhit|facebot|whatsapp|slackbot|slack-imgproxy|telegrambot|twitterbot"
    r"|discordbot|linkedinbot|skypeuripreview|microsoft teams|viber|line-poker|kakaotalk-scrap"
    r"|google-pagerenderer|googlemessages|applebot|iframely|embedly|redditbot|mastodon|bluesky",
    re.IGNORECASE,
)
_SCANNERS = re.compile(
    r"barracuda|mimecast|proofpoint|urldefense|safelinks|microsoft office|ms-office|msoffice"
    r"|symantec|messagelabs|fireeye|trendmicro|sophos|forcepoint|cisco|ironport|zscaler"
    r"|google-safety|yahoomailproxy|googleimageproxy|virustotal|urlscan|headless|phantomjs"
    r"|selenium|puppeteer|playwright|curl|wget|python|okhttp|java/|go-http-client|libwww|axios"
    r"|node-fetch|httpclient|scrapy|bot\b|crawler|spider|scan(?:ner)?\b|monitor",
    re.IGNORECASE,
)


_APPS = re.compile(
    r"FBAN|FBAV|FB_IAB|Instagram|\bLine/|MicroMessenger|Snapchat|musical_ly|BytedanceWebview"
    r"|Pinterest/|LinkedInApp|Twitter for|\bGSA/|; wv\)"
)


class Opener(StrEnum):
    """Who opened a link. ``in_app``: a person, in the browser inside another app."""

    PERSON = "person"
    IN_APP = "in_app"
    SCANNER = "scanner"
    PREVIEW = "preview"


PEOPLE = (Opener.PERSON, Opener.IN_APP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """One request for a link's first page, or for what only who looks at that page asks for.

    ``after_s``: whole seconds since the link's message was handed over; None where it went by
    letter or is read out. ``beside``: how many other openings of the link began in the same
    second or the one before. ``ahead``: a browser fetches it before anybody asked for it.
    ``drew``: what the page's form is drawn with was asked for. ``posted``: an answer was sent.
    """

    method: str = "GET"
    user_agent: str = ""
    after_s: int | None = None
    beside: int = 0
    ahead: bool = False
    drew: bool = False
    posted: bool = False


def opener_of(opening: Opening) -> Opener:
    """Who is behind an opening; a machine, until something shows that a person is."""
    person = Opener.IN_APP if _APPS.search(opening.user_agent) else Opener.PERSON
    if opening.posted:
        return person
    if _PREVIEWS.search(opening.user_agent):
        return Opener.PREVIEW
    return Opener.SCANNER if _by_itself(opening) or not opening.drew else person


def _by_itself(opening: Opening) -> bool:
    """Whether it came as only programs come."""
    too_soon = opening.after_s is not None and opening.after_s < TOO_SOON_S
    fetched = opening.method == "HEAD" or opening.ahead or not opening.user_agent
    return fetched or too_soon or opening.beside > 0 or bool(_SCANNERS.search(opening.user_agent))
