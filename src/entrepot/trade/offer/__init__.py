"""Offers as we last knew them: what a checkout is answered from."""
