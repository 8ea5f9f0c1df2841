"""What was sent is shown to whom the personal data does not show, with nobody's name in it."""

import pytest

from portal import templating
from portal.db import PortalSession
from portal.models import Message
from portal.services.masking import masker
from tests.factories import make_client, make_debtor


@pytest.mark.parametrize("name", ["O'Brien", "O’Brien", 'Reyes "Red" Lane', "Reyes & Sons"])
def test_a_name_is_masked_in_words_and_in_html_as_our_templates_write_it(
    session: PortalSession, name: str
):
    debtor = make_debtor(session, make_client(session))
    debtor.first_name, debtor.last_name = "Dana", name
    session.flush()
    template = templating.environment("en").from_string("<p>Hello {{ name }}, hello</p>")
    html = template.render(name=f"Dana {name}")
    mask = masker(session, debtor, ())
    for words in (html, f"Hello Dana {name}, hello"):
        shown = mask(Message(channel="email", address="dana@example.com"), words)
        for part in ("Dana", "Brien", "Reyes", "Lane", "Sons"):
            assert part not in shown
        assert "ello" in shown
    assert "O'Brien" not in html
    assert '"' not in html
