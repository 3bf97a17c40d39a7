"""Measurements: each module prints its figure beside a ceiling that was measured in the same run."""
