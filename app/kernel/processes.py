"""Who a process is, so that others can tell whether it still lives: leases and RQ's workers carry this name."""

import os
from pathlib import Path

import psutil


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8] if Path("/proc").exists() else "-"


def _namespace() -> str:
    link = Path("/proc/self/ns/pid")
    return str(link.readlink()).strip("pid:[]") if link.exists() else "-"


def me() -> str:
    """The name of this process in leases: boot, process namespace, pid and start time."""
    return f"{_boot()}:{_namespace()}:{os.getpid()}:{started(os.getpid())}"


def pid_of(owner: str) -> str:
    """The number of the process of that name, on its host; the name itself when it is no such name."""
    parts = owner.split(":")
    return parts[2] if len(parts) == 4 else owner


def started(pid: int) -> str:
    """When a process of this namespace started, on a clock that nobody can set.

    psutil's time of day jumps with the wall clock; every living worker would look like another with its number.
    """
    if Path("/proc/self/stat").exists():
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]  # proc(5): starttime
        except (FileNotFoundError, ProcessLookupError):
            raise psutil.NoSuchProcess(pid) from None
    return f"{psutil.Process(pid).create_time():.2f}"


def is_dead(owner: str) -> bool:
    """Whether the owner of a lease on this host is known to have ended. False when that cannot be told."""
    boot, namespace, pid, began = owner.split(":")
    if boot != _boot():
        return True
    if namespace != _namespace():
        return False
    try:
        return psutil.Process(int(pid)).status() == psutil.STATUS_ZOMBIE or started(int(pid)) != began
    except psutil.NoSuchProcess:
        return True


def same_boot(owner: str) -> bool:
    """Whether the owner ran since this host last started: a journal outlives a process, not a power cut."""
    return owner.split(":", 1)[0] == _boot()


def has_ended_here(owner: str) -> bool:
    """Whether this is the name of a process that ran on this host since it started, and has ended.

    False for processes of other hosts, for those that cannot be judged, and for what is no such name.
    """
    return owner.count(":") == 3 and same_boot(owner) and is_dead(owner)
