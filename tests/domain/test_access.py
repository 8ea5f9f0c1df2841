"""Who may do what: one table in code, and the page that says the same."""

import pytest

from portal.domain.access import ALLOWED, MEANING, Permission, Role, _read, holders, may
from portal.embedded import PROJECT


def test_the_table_speaks_of_every_role_and_of_every_permission():
    assert set(ALLOWED) == set(Role)
    assert all(holders(one) for one in Permission)
    assert set(MEANING) == set(Permission)


def test_who_sees_a_clients_own_console_sees_no_other_and_the_viewer_changes_nothing():
    """A-1: they share only that both look after their own people; a viewer has one permission."""
    clients = ALLOWED[Role.CLIENT_ADMIN] - {Permission.LEAD}
    others = [ALLOWED[role] for role in Role if not may(role, Permission.SEE_CLIENT)]
    assert all(clients.isdisjoint(allowed) for allowed in others)
    assert ALLOWED[Role.CLIENT_VIEWER] == {Permission.SEE_CLIENT}


@pytest.mark.parametrize(
    "table", ["agent\nfly x", "pilot\nreveal x", "agent\nreveal yes", "agent\nreveal x x"]
)
def test_a_table_that_is_not_clear_is_no_table(table: str):
    with pytest.raises((ValueError, KeyError)):
        _read(table)


def test_the_page_about_permissions_says_what_the_table_says():
    lines = (PROJECT / "docs/permissions.md").read_text().splitlines()
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:1] == "|"]
    said = [["permission", "what it lets one do", *Role], table[1]] + [
        [f"`{one}`", MEANING[one], *("x" if may(role, one) else "" for role in Role)]
        for one in Permission
    ]
    assert table == said
