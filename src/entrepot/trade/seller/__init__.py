"""Sellers as the marketplace shows them: may they sell, and what they wrote to us."""
