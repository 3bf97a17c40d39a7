"""Who may be written to: contacts, folders, imports and the suppression list."""
