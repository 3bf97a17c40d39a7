"""The journal outlives the process that wrote it."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from app.kernel import processes
from app.sending import journal
from app.sending.journal import ClaimKey, Journal, Mark

KEY = ClaimKey(7, 3, 2)
WRITER = """
import os, signal, sys
from pathlib import Path
from app.sending.journal import ClaimKey, Journal, Mark
kept = Journal(Path(sys.argv[1]), ClaimKey(7, 3, 2), 501, 505)
kept.mark(501, Mark.ACCEPTED); kept.mark(502, Mark.REFUSED); kept.mark(503, Mark.HANDED_OVER)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_marks_survive_the_kill_of_their_writer(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", WRITER, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert journal.read(tmp_path, KEY, 501) == {
        501: Mark.ACCEPTED,
        502: Mark.REFUSED,
        503: Mark.HANDED_OVER,
        504: Mark.UNTOUCHED,
        505: Mark.UNTOUCHED,
    }
    journal.remove(tmp_path, KEY)
    assert journal.read(tmp_path, KEY, 501) is None


def test_a_claim_has_one_journal(tmp_path: Path) -> None:
    Journal(tmp_path, KEY, 1, 2)
    with pytest.raises(FileExistsError):
        Journal(tmp_path, KEY, 1, 2)


def test_a_recorded_claim_leaves_no_journal(tmp_path: Path) -> None:
    kept = Journal(tmp_path, KEY, 1, 2)
    kept.delete()
    assert journal.read(tmp_path, KEY, 1) is None


def test_this_process_is_alive_and_an_ended_one_dead() -> None:
    assert not processes.is_dead(processes.me())
    boot, namespace, _, _ = processes.me().split(":")
    with subprocess.Popen([sys.executable, "-c", "pass"]) as child:
        pass
    assert processes.is_dead(f"{boot}:{namespace}:{child.pid}:1.00")


def test_a_process_that_got_the_number_of_a_dead_one_is_not_it() -> None:
    boot, namespace, pid, _ = processes.me().split(":")
    assert processes.is_dead(f"{boot}:{namespace}:{pid}:1.00")


def test_what_ran_before_the_last_start_of_the_machine_is_dead_and_its_journal_not_trusted() -> None:
    other = ":".join(["otherone", *processes.me().split(":")[1:]])
    assert processes.is_dead(other) and not processes.same_boot(other)
    assert processes.same_boot(processes.me())


def test_processes_of_another_namespace_cannot_be_judged() -> None:
    boot, _, pid, _ = processes.me().split(":")
    assert not processes.is_dead(f"{boot}:4026530000:{pid}:1.00")


def test_a_zombie_is_dead() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # it has ended and is not fetched yet
    boot, namespace, _, _ = processes.me().split(":")
    assert processes.is_dead(f"{boot}:{namespace}:{child}:{processes.started(child)}")
    os.waitpid(child, 0)


def test_a_journal_folder_keeps_its_name(tmp_path: Path) -> None:
    assert journal.host(tmp_path) == journal.host(tmp_path)
    assert journal.host(tmp_path) != journal.host(tmp_path / "other")


def test_a_living_process_stays_itself_when_the_wall_clock_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    owner, reads = processes.me(), psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: reads(process) + 7200)
    assert not processes.is_dead(owner)


def test_a_journal_takes_its_place_on_the_disk_before_anything_is_sent(tmp_path: Path) -> None:
    Journal(tmp_path, KEY, 1, 500)
    assert KEY.path(tmp_path).stat().st_blocks > 0


def test_of_many_first_workers_one_names_the_journal_folder(tmp_path: Path) -> None:
    folder, names = tmp_path / "journal", []
    threads = [threading.Thread(target=lambda: names.append(journal.host(folder))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(names) == 8 and len(set(names)) == 1
    assert [path.name for path in folder.iterdir()] == ["host"]
