"""Tests of contacts, folders, imports and suppressions."""
