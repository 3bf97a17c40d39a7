"""Jobs of the audience."""

import gc
import logging
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy.exc import DBAPIError, IntegrityError

from app.audience import csv_import, import_service
from app.audience.csv_import import LeaseLost, Prepared, Run, Written
from app.audience.models import ImportStatus
from app.kernel import queues
from app.kernel.db import in_transaction, is_retriable, transaction
from app.kernel.errors import AppError, Conflict
from jobs.runtime import job

log = logging.getLogger(__name__)

COLLISIONS = 20
REFUSED = Conflict("The database refused a part of this file. What is in stays in. Tell your administrator.")


@job
def run_import(import_id: int) -> None:
    """Import the rest of a file, chunk by chunk. Harmless to run twice: one worker has the lease, and a killed run
    is gone on with from its last chunk."""
    owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    run = in_transaction(lambda: csv_import.claim(import_id, owner))
    if run is None:
        return
    try:
        with _no_collector():
            _work(run)
    except LeaseLost:
        log.info("import was cancelled or taken over", extra={"import_id": import_id})


@contextmanager
def _no_collector() -> Iterator[None]:
    """Keep the garbage collector from walking every living row again and again: a quarter of the time (measured)."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _work(run: Run) -> None:
    try:
        written: Written | None = {}
        for prepared in csv_import.prepared(run):
            written = _write(run, prepared, written)
            gc.collect(1)
        in_transaction(lambda: csv_import.finish(run))
    except LeaseLost:
        raise
    except AppError as error:
        reason = error
        in_transaction(lambda: csv_import.fail(run, reason))
        log.warning("import failed", extra={"import_id": run.import_id, "error": type(error).__name__})
    except DBAPIError as error:
        if not is_retriable(error):  # it would come again and again; the others the scheduler tries again
            in_transaction(lambda: csv_import.fail(run, REFUSED))
        raise


def _write(run: Run, prepared: Prepared, before: Written | None) -> Written | None:
    """Write a chunk; somebody who saves the same people at the same moment only costs another look at them."""
    for _ in range(COLLISIONS - 1):
        with suppress(IntegrityError):
            return in_transaction(csv_import.write, run, prepared, before)
        before = None
    return in_transaction(csv_import.write, run, prepared, before)


@job
def wake_imports() -> None:
    """Ring again for imports that nobody works on: their bell was lost, or their worker."""
    with transaction():
        for import_id in import_service.wake():
            if import_service.get(import_id).status is ImportStatus.RUNNING:
                # its worker is dead, and its job would keep the unique id for as long as Redis believes in it
                queues.forget(import_service.job_id(import_id))
            import_service.ring(import_id)
