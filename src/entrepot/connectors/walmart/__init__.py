"""Walmart's US marketplace, where we are the seller."""
