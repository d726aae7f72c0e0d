"""Every request, page, webhook and file kept whole, once, before anyone reads meaning into it."""
