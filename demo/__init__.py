"""The invented contacts and campaigns of `make demo`."""
