"""Missions are answered from the ledger: its fixtures are theirs."""

from tests.sending.conftest import true_counters

__all__ = ["true_counters"]
