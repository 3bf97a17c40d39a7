"""The ring of background jobs: one thin file per domain, each function a unit of work or a few."""
