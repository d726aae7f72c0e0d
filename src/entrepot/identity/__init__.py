"""The identifiers that join records across systems."""
