"""Returns and refunds: what comes back, and the money that goes back, watched until every witness has confirmed it."""
