"""`python -m jobs.worker [queue …]`: one RQ worker that has the app loaded before it forks for a job."""

import logging
import sys

from rq import Worker

from app.extensions import db
from app.kernel import queues
from app.kernel.queues import QueueName, SafeJob
from jobs.runtime import the_app

# How long Redis believes in a silent worker. RQ's defaults leave the job of a lost host "started" for minutes.
WORKER_TTL_SECONDS = 30
MAINTENANCE_SECONDS = 10


def main(names: list[str]) -> int:
    """Work the named queues (all by default) until SIGTERM or SIGINT; a running job is finished first."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    known = [name.value for name in QueueName]
    unknown = sorted(set(names) - set(known))
    if unknown:
        print(f"There is no queue {unknown[0]!r}. Choose from: {', '.join(known)}.", file=sys.stderr)
        return 2
    app = the_app()
    with app.app_context():
        db.engine.dispose()  # the forked jobs open connections of their own
        worker = Worker(
            [queues.queue(QueueName(name)) for name in names or known],
            connection=queues.worker_connection(),
            serializer="json",
            job_class=SafeJob,
            worker_ttl=WORKER_TTL_SECONDS,
            maintenance_interval=MAINTENANCE_SECONDS,
        )
    worker.work(logging_level="WARNING")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
