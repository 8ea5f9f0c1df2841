"""portal worker: the process that works on the job queue."""

import click


@click.command()
@click.option("--queues", help="Only these queues, comma separated.")
@click.option("--concurrency", default=4, show_default=True, help="Jobs at the same time.")
@click.option("--once", is_flag=True, help="Return when no job is ready.")
def worker(queues: str | None, concurrency: int, once: bool) -> None:
    """Work on the job queue until told to stop. Start as many as you like."""
    import asyncio
    import logging

    from portal import tasks
    from portal.config import load
    from portal.jobs import run_worker
    from portal.runtime import build_runtime

    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel("WARNING")
    settings = load()
    tasks.use(build_runtime(settings, worker=True))
    only = {"queues": [name.strip() for name in queues.split(",")]} if queues else {}
    asyncio.run(
        run_worker(settings.worker_database_url, once=once, concurrency=concurrency, **only)
    )
