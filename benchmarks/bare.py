"""The page that `benchmarks/pages.py` measures against: a bare Flask app and nothing more.

It verifies one token, runs one SELECT, and renders and compresses a page of the size given in
BARE_BYTES. `gunicorn benchmarks.bare:app`.
"""

import os
from random import Random

from flask import Flask, abort
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import create_engine, text

from portal.app import compress
from portal.db import driver_url

ROWS = 24
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>You owe {{ account.balance }}</title></head>
<body><main><h1>You owe {{ account.balance }}</h1><p>To {{ account.creditor }}.</p>
<table>{% for row in rows %}<tr><th>{{ row.kind }}</th><td>{{ row.cents }}</td></tr>{% endfor %}
</table>{% for paragraph in paragraphs %}<p>{{ paragraph }}</p>{% endfor %}</main></body></html>
"""
SYLLABLES = [one + two for one in "bcdfghjklmnprstvwy" for two in "aeiou"]
SELECT = text("""
    SELECT current_creditor, balance_cents,
      (SELECT json_agg(json_build_object('kind', kind, 'cents', amount_cents) ORDER BY at)
       FROM ledger_entry l WHERE l.client_id = a.client_id AND l.account_id = a.id)
    FROM account a WHERE client_id = CAST(:client AS uuid) AND id = CAST(:account AS uuid)
""")


def sentence(seed: int) -> str:
    """A hundred characters of new words, other ones for each seed: they pack like a page's text."""
    draw = Random(seed)
    words = ("".join(draw.choices(SYLLABLES, k=draw.randint(1, 3))) for _ in range(40))
    return " ".join(words)[:100]


def fill(wanted: int) -> list[str]:
    """Paragraphs that make a page longer by so many characters, their tags included."""
    whole, rest = divmod(max(wanted, 0), 107)
    return [*(sentence(n % 29) for n in range(whole)), sentence(whole)[: max(rest - 7, 0)]]


def create_app() -> Flask:
    """The bare app on the owner's connection: no tenant, no session, no language."""
    app = Flask("bare")
    tokens = URLSafeSerializer("a secret of the benchmark")
    engine = create_engine(driver_url(os.environ["BARE_DATABASE_URL"]))
    template = app.jinja_env.from_string(PAGE)
    wanted = int(os.environ.get("BARE_BYTES", "12000"))
    paragraphs: list[str] = []
    app.after_request(compress)

    @app.get("/a/<token>")
    def summary(token: str) -> str:
        try:
            client, account = tokens.loads(token)
        except BadSignature:
            abort(404)
        with engine.connect() as connection:
            row = connection.execute(SELECT, {"client": client, "account": account}).one()
        found = {"creditor": row[0], "balance": f"${row[1] / 100:,.2f}"}
        rows = (row[2] or []) * (ROWS // max(1, len(row[2] or [1])))
        page = template.render(account=found, rows=rows, paragraphs=paragraphs)
        if not paragraphs:  # the first page says how much is still wanted
            paragraphs.extend(fill(wanted - len(page)))
        return page

    return app


app = create_app()
