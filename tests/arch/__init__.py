"""Rules of the house that a linter does not know. Each is a function over source text, and each is seen to bite."""
