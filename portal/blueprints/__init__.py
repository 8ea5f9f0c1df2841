"""The edge: parse, call a service, commit, render."""

from flask import Flask

from portal.blueprints import (
    assets,
    client,
    compliance,
    debtor,
    deliveries,
    errors,
    operating,
    optout,
    outbox,
    payer,
    public,
    staff,
    support,
    verifying,
    webhooks,
)


def register(app: Flask) -> None:
    """Every page of the portal."""
    app.register_blueprint(assets.bp)
    app.register_blueprint(public.bp)
    app.register_blueprint(verifying.bp)
    app.register_blueprint(debtor.bp)
    app.register_blueprint(webhooks.bp)
    app.register_blueprint(deliveries.bp)
    app.register_blueprint(staff.bp)
    app.register_blueprint(client.bp)
    app.register_blueprint(support.bp)
    app.register_blueprint(compliance.bp)
    app.register_blueprint(operating.bp)
    app.register_blueprint(optout.bp)
    app.register_blueprint(payer.bp)
    if app.extensions["portal"].settings.outbox:
        app.register_blueprint(outbox.bp)
    errors.register(app)
