"""Jobs of the send path."""

from jobs.runtime import job
