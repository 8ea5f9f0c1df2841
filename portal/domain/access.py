"""Who may do what: the roles of staff, what there is to do, and the one table that joins them."""

from enum import StrEnum

from portal.domain import N_


class Role(StrEnum):
    """What a member of staff is here for."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    COMPLIANCE = "compliance"
    OPERATOR = "operator"
    CLIENT_ADMIN = "client_admin"
    CLIENT_VIEWER = "client_viewer"


class Permission(StrEnum):
    """One thing that staff may do; `MEANING` says each in words."""

    SEE_ACCOUNTS = "see_accounts"
    REVEAL = "reveal"
    CONTACT = "contact"
    ANSWER = "answer"
    HOLD = "hold"
    RECORD_MONEY = "record_money"
    GIVE_BACK = "give_back"
    SUPERVISE = "supervise"
    LEAD = "lead"
    EXAMINE = "examine"
    ANSWER_ALARMS = "answer_alarms"
    KEEP_RECORDS = "keep_records"
    SEE_CLIENT = "see_client"
    EXPORT = "export"
    PLACE = "place"
    SET_LIMITS = "set_limits"
    CAMPAIGN = "campaign"
    BRAND = "brand"
    OPERATE = "operate"


TABLE = """
                agent  supervisor  compliance  operator  client_admin  client_viewer
see_accounts      x        x           x           x          -              -
reveal            x        x           x           x          -              -
contact           x        x           -           x          -              -
answer            x        x           -           x          -              -
hold              x        x           x           x          -              -
record_money      x        x           -           x          -              -
give_back         -        x           -           x          -              -
supervise         -        x           -           x          -              -
lead              -        x           -           x          x              -
examine           -        -           x           x          -              -
answer_alarms     -        -           x           -          -              -
keep_records      -        -           x           -          -              -
see_client        -        -           -           -          x              x
export            -        -           -           -          x              -
place             -        -           -           -          x              -
set_limits        -        -           -           -          x              -
campaign          -        -           -           -          x              -
brand             -        -           -           -          x              -
operate           -        -           -           x          -              -
"""
"""Every permission, and which roles have it. Whose accounts they see is another question."""

MEANING: dict[Permission, str] = {
    Permission.SEE_ACCOUNTS: N_("See accounts and what waits, with personal data hidden"),
    Permission.REVEAL: N_("Show the personal data of an account for a while, with a reason"),
    Permission.CONTACT: N_("Write, call, send links and letters, take down what people wish"),
    Permission.ANSWER: N_("Answer help requests, call-backs and proposals"),
    Permission.HOLD: N_("Hold an account, and lift a hold"),
    Permission.RECORD_MONEY: N_("Record money that came by check, cash or transfer"),
    Permission.GIVE_BACK: N_(
        "Give money back, approve what waits for a second person, and close questions about money"
    ),
    Permission.SUPERVISE: N_("Call past the limits, grant what agents may not, close an account"),
    Permission.LEAD: N_("Invite people, give them roles, and say who may come in"),
    Permission.EXAMINE: N_("Read the record itself, export it, and say where its heads are sent"),
    Permission.ANSWER_ALARMS: N_("Answer for alarms of the record"),
    Permission.KEEP_RECORDS: N_("Have old records erased, or kept for a court"),
    Permission.SEE_CLIENT: N_("See the client’s accounts, campaigns, money and published limits"),
    Permission.EXPORT: N_("Download lists of accounts and payments, and proofs of agreements"),
    Permission.PLACE: N_("Place files of accounts"),
    Permission.SET_LIMITS: N_("Write, rehearse, approve and publish offer limits"),
    Permission.CAMPAIGN: N_("Draw up, begin and stop campaigns"),
    Permission.BRAND: N_("Change how the client’s pages look"),
    Permission.OPERATE: N_("See and mend clients’ settings, jobs, webhooks and lock-outs"),
}


def _read(table: str) -> dict[Role, frozenset[Permission]]:
    header, *lines = (line.split() for line in table.strip().splitlines())
    roles = [Role(name) for name in header]
    found: dict[Role, set[Permission]] = {role: set() for role in roles}
    for name, *marks in lines:
        for role, mark in zip(roles, marks, strict=True):
            if {"x": True, "-": False}[mark]:
                found[role].add(Permission(name))
    return {role: frozenset(allowed) for role, allowed in found.items()}


ALLOWED = _read(TABLE)
"""The permissions of each role, as the table says."""


def may(role: Role, permission: Permission) -> bool:
    """Whether somebody in this role may do this."""
    return permission in ALLOWED[role]


def holders(permission: Permission) -> frozenset[Role]:
    """The roles that may do this."""
    return frozenset(role for role in Role if may(role, permission))
