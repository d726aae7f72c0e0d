"""Alembic's folder: one revision per change of the schema; expand, then contract, so that old code runs on the new schema."""
