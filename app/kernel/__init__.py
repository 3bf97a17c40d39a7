"""What every domain may use and what knows no domain: clock, database, errors, queues, keys, settings."""
