"""Append-only double entry: facts become journals, journals become postings that sum to zero."""
