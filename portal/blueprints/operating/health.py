"""Are jobs done, webhooks taken over and messages sent; what failed, to be tried again."""

from typing import Any

from flask import abort

from portal.blueprints.consoles import Task, page, perform
from portal.blueprints.operating import LAYOUT, bp
from portal.domain import labels
from portal.domain.access import Permission
from portal.jobs import STALLED_S
from portal.security import audience, current_staff, danger
from portal.services import operating
from portal.web import Form, now, session, url_for
from portal.web import gettext as _


class RetryForm(Form):
    """Nothing but a button."""


@bp.get("/health")
@audience(Permission.OPERATE)
def health() -> Any:
    """Jobs by task, workers, webhooks, messages of the last day, and jobs that failed."""
    return page(
        "operator/health.html",
        section="health",
        tasks=operating.jobs_by_task(session),
        failed=operating.failed_jobs(session),
        workers=operating.workers(session),
        silent_s=STALLED_S,
        hooks=operating.webhooks(session, now=now()),
        sendings=operating.sendings(session, now=now()),
        channels=labels.CHANNELS,
    )


@bp.route("/jobs/<int:number>/retry", methods=["GET", "POST"])
@audience(Permission.OPERATE)
@danger
def retry(number: int) -> Any:
    """Have a job that failed tried again."""
    job = operating.failed_job(session, number)
    if job is None:
        abort(404)

    def do() -> None:
        operating.retry_job(session, job, staff=current_staff(), now=now())

    back = url_for("operator.health")
    task = Task(
        title=_("Try job %(number)s again", number=number),
        button=_("Try it again"),
        back=back,
        notes=(
            job.task_name,
            _("It does what is left to do. What it did before it failed is not done twice."),
        ),
        layout=LAYOUT,
    )
    return perform(RetryForm(), do, task=task, done=_("It is tried again in a moment."), to=back)
