"""`python -m jobs.scheduler`: the clock of the house. Any number may run; the one with the row lease leads."""

import logging
import signal
import threading
from types import FrameType

from sqlalchemy.exc import SQLAlchemyError

from app.extensions import db
from app.kernel import clock, leases, logs, processes
from app.kernel.db import in_transaction
from app.sending import tick
from jobs import audience, notices, receipts, sending
from jobs.runtime import the_app

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
LEAST_SECONDS = 0.1  # between two looks at the campaigns
SWEEP_SECONDS = 5.0
LEASE_SECONDS = 10.0


class Scheduler:
    """Ticks until told to stop."""

    def __init__(self) -> None:
        self.owner = processes.me()
        self._stop = threading.Event()
        self._ticks_to_sweep = 0.0
        self._was_leading = False

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Finish the running tick and return from run()."""
        self._stop.set()

    def run(self) -> None:
        """Tick once a second; a database that is away for a while is waited for."""
        while not self._stop.is_set():
            try:
                self.tick()
            except SQLAlchemyError as error:
                log.warning("tick failed, the next one comes", extra={"error": type(error).__name__})
            finally:
                db.session.remove()
            self._rest()
        if self._was_leading:
            in_transaction(leases.release, leases.SCHEDULER, self.owner)

    def _rest(self) -> None:
        """Wait for the next tick, and look at the campaigns whose next message is due before it: a delay of two seconds
        must not become one of three."""
        ends = clock.steady() + TICK_SECONDS
        while (left := ends - clock.steady()) > 0 and not self._stop.is_set():
            due_in = left
            try:
                if self._was_leading:
                    due_in = max(in_transaction(tick.seconds_to_next, left), LEAST_SECONDS)
                self._stop.wait(min(left, due_in))
                if due_in < left and not self._stop.is_set():
                    sending.look_at_campaigns()
            except SQLAlchemyError:  # the next tick says so
                self._stop.wait(left)
            finally:
                db.session.remove()

    def tick(self) -> bool:
        """One look at everything, if this one leads; returns whether it does. Each host sweeps its own journals."""
        is_leading = in_transaction(leases.acquire, leases.SCHEDULER, self.owner, LEASE_SECONDS)
        if is_leading != self._was_leading:
            log.info("leading" if is_leading else "waiting for the lease", extra={"owner": self.owner})
            self._was_leading = is_leading
        self._ticks_to_sweep -= TICK_SECONDS
        is_sweeping = self._ticks_to_sweep <= 0
        if is_sweeping:
            self._ticks_to_sweep = SWEEP_SECONDS
            sending.sweep_claims()
        if is_leading:
            sending.look_at_campaigns()
            sending.wake_labels()
            sending.forget_former()
            audience.wake_imports()
            if is_sweeping:  # it looks at everybody with an account, and nobody needs news each second
                notices.gather_notices()
                receipts.ring_mailboxes()
                receipts.ring_enquiries()
        return is_leading


def main() -> None:
    """Run a scheduler until SIGTERM or SIGINT."""
    logs.configure()
    with the_app().app_context():
        scheduler = Scheduler()
        signal.signal(signal.SIGTERM, scheduler.stop)
        signal.signal(signal.SIGINT, scheduler.stop)
        scheduler.run()


if __name__ == "__main__":
    main()
