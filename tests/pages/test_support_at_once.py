"""Support staff who press twice, or at once, on real connections."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal.app import create_app
from portal.db import Reader, make_sessions, set_tenant
from portal.gateways.clock import SetClock
from portal.models import Hold, Role
from portal.runtime import Runtime
from tests.databases import Database, web_engine
from tests.factories import make_account, make_client, make_debtor
from tests.pages.at_once import hidden_of
from tests.pages.staff import enter, make_staff


def test_a_hold_pressed_six_times_at_once_is_one(
    fresh_db: Database, clock: SetClock, runtime: Runtime
):
    engine = web_engine(fresh_db)
    live = dataclasses.replace(
        runtime,
        settings=fresh_db.settings,
        sessions=make_sessions(engine),
        read=Reader(fresh_db.settings.database_url),
    )
    app = create_app(fresh_db.settings, live)
    with live.sessions() as session:
        client = make_client(session)
        account = make_account(session, make_debtor(session, client))
        path, client_id = f"/support/accounts/{account.id}/hold", client.id
        sam = enter(app.test_client(), session, make_staff(session, Role.SUPERVISOR, client))
        session.commit()
    form = hidden_of(sam.get(f"{path}?kind=bankruptcy"))
    typed = form | {"kind": "bankruptcy", "reason": "A letter"}
    cookie = sam.get_cookie("staff")
    assert cookie is not None

    def press(_: int) -> int:
        browser: FlaskClient = app.test_client()
        browser.set_cookie("staff", cookie.value)
        return browser.post(path, data=typed).status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(press, range(6))) == {303}
    with live.sessions() as session:
        set_tenant(session, client_id)
        assert session.scalar(select(func.count()).select_from(Hold)) == 1
    engine.dispose()
