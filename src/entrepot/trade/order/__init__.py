"""Baskets (what the buyer paid at once), legs (one seller's part), lines (one article of a leg)."""
