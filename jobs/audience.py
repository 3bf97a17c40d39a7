"""Jobs of the audience."""
