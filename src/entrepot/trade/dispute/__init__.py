"""Disputes: somebody questions an order or its money, and waits for an answer."""
