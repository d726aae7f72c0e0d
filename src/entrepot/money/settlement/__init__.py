"""Statements of others against our books: balance, match, explain every cent, close."""
