"""``python -m portal.sandbox``: a stand-in for Stripe on a port of this machine."""

import argparse
import os
import signal
import sys

from portal.sandbox.server import start


def main() -> None:
    """Serve until stopped; webhook secrets come from STRIPE_WEBHOOK_SECRET, comma-separated."""
    parser = argparse.ArgumentParser(prog="python -m portal.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=12111, help="0: any free port")
    parser.add_argument("--db", default=":memory:", help="the SQLite file that keeps its state")
    parser.add_argument("--webhook-url", help="where events are sent")
    given = parser.parse_args()
    secrets = [one for one in os.environ.get("STRIPE_WEBHOOK_SECRET", "").split(",") if one]
    server = start(
        host=given.host,
        port=given.port,
        path=given.db,
        webhook_url=given.webhook_url,
        secrets=secrets,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.stdout.write(f"{server.url}\n")
    sys.stdout.flush()
    server.wait()
    server.stop()


if __name__ == "__main__":
    main()
