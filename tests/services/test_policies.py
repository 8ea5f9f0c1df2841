"""Policy versions are numbered, immutable and on the record."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from portal.db import PortalSession, make_engine, tenant_session
from portal.domain.policy import PlanLimits, Policy
from portal.services import evidence
from portal.services.policies import NoPolicy, live_policy, policy_version, publish_policy
from tests.databases import Database
from tests.factories import NOW, make_client


def test_the_highest_version_is_live_and_the_others_stay_readable(session: PortalSession) -> None:
    client = make_client(session)
    with pytest.raises(NoPolicy):
        live_policy(session, client.id, NOW)
    first = publish_policy(session, client.id, Policy(0, "USD"), by=None, now=NOW)
    plan = PlanLimits(minimum_installment_cents=5_000)
    second = publish_policy(session, client.id, Policy(0, "USD", plan=plan), by=None, now=NOW)
    assert (first.version, second.version) == (1, 2)
    assert live_policy(session, client.id, NOW) == second
    assert policy_version(session, client.id, 1) == first
    assert second.policy.plan == plan
    leaves = evidence.chain_leaves(session, client.id, client.chain_id)
    assert [(leaf.type, leaf.payload["sha256"]) for leaf in leaves] == [
        ("policy.published", first.sha256),
        ("policy.published", second.sha256),
    ]


def test_a_published_version_cannot_be_changed(session: PortalSession) -> None:
    client = make_client(session)
    publish_policy(session, client.id, Policy(0, "USD"), by=None, now=NOW)
    with pytest.raises(ProgrammingError, match="permission denied"):
        session.execute(text("UPDATE offer_policy SET document = '{}'"))


def test_two_who_publish_at_once_get_two_numbers(fresh_db: Database) -> None:
    engine = make_engine(fresh_db.url("portal_app"))
    with tenant_session(engine) as session:
        client = make_client(session)
        session.commit()

    def publish(_: int) -> int:
        with tenant_session(engine, [client.id]) as session:
            version = publish_policy(session, client.id, Policy(0, "USD"), by=None, now=NOW).version
            session.commit()
            return version

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(publish, range(4))) == [1, 2, 3, 4]
    engine.dispose()
