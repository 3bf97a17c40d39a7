"""Tasks about a client, and the campaigns that their clients join."""
