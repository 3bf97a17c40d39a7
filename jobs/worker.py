"""`python -m jobs.worker [queue …]`: one RQ worker that has the app loaded before it forks for a job."""

import contextlib
import ctypes
import gc
import os
import signal
import sys
from types import FrameType

from rq import Queue, Worker
from rq.job import Job

from app.extensions import db
from app.kernel import clock, ending, logs, processes, queues
from app.kernel.queues import QueueName, SafeJob
from app.sending.deliver import SLICE_SECONDS
from jobs.runtime import the_app

# How long Redis believes in a silent worker. RQ's defaults leave the job of a lost host "started" for minutes.
WORKER_TTL_SECONDS = 30
MAINTENANCE_SECONDS = 10
PR_SET_PDEATHSIG = 1


class HouseWorker(Worker):
    """A worker whose forked job does not outlive it, and whose short jobs do not wait for the end of a campaign."""

    _last_slice = 0.0  # when it last took one of a fast campaign (steady)

    def reorder_queues(self, reference_queue: Queue) -> None:
        """Called when a job is taken from this queue: after a slice of sending the queue of short jobs comes first, and
        slow campaigns come before fast ones for as long as a slice of those takes.

        A campaign has up to four slices in its queue for as long as it sends; two workers that only took those left
        everything else undone for as long (measured: fifteen jobs in four minutes).
        """
        now, name = clock.steady(), reference_queue.name
        if name == QueueName.SEND:
            self._last_slice = now
        first = [QueueName.DEFAULT] if name in (QueueName.SEND, QueueName.PACED) else []
        if now - self._last_slice > 2 * SLICE_SECONDS:  # so long have slow ones had all the time
            first.append(QueueName.SEND)
        others = [name for name in QueueName if name not in first]
        self._ordered_queues = sorted(self.queues, key=lambda queue: [*first, *others].index(QueueName(queue.name)))

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Run the job in the fork; the kernel ends it when the worker is killed (the journal keeps what it did)."""
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        super().main_work_horse(job, queue)

    def setup_work_horse_signals(self) -> None:
        """Let SIGTERM ask the job to end soon."""
        super().setup_work_horse_signals()
        signal.signal(signal.SIGTERM, lambda _signal, _frame: ending.ask())

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Stop after the running job, and tell that one: a slice gives back whom it has not handed over yet."""
        if self.horse_pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.horse_pid, signal.SIGTERM)
        super().request_stop(signum, frame)


def main(names: list[str]) -> int:
    """Work the named queues (all by default) until SIGTERM or SIGINT; a running job is finished first."""
    logs.configure()
    known = [name.value for name in QueueName]
    unknown = sorted(set(names) - set(known))
    if unknown:
        print(f"There is no queue {unknown[0]!r}. Choose from: {', '.join(known)}.", file=sys.stderr)
        return 2
    app = the_app()
    with app.app_context():
        db.engine.dispose()  # the forked jobs open connections of their own
        worker = HouseWorker(
            [queues.queue(QueueName(name)) for name in names or known],
            connection=queues.worker_connection(),
            name=processes.me(),
            serializer="json",
            job_class=SafeJob,
            worker_ttl=WORKER_TTL_SECONDS,
            maintenance_interval=MAINTENANCE_SECONDS,
        )
    gc.collect()
    gc.freeze()  # a collection in a forked job would touch, and so copy, 30 MB of what the worker has loaded (measured)
    worker.work(logging_level="WARNING")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
