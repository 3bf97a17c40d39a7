"""Whether this process was asked to end soon: who works for long looks here and stops at the next good point."""

_is_asked = False


def ask() -> None:
    """Ask; called from a signal handler."""
    global _is_asked
    _is_asked = True


def is_asked() -> bool:
    """Whether somebody did."""
    return _is_asked
