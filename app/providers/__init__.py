"""One file per outside service; nothing here knows a domain or the database."""
