"""A listing: our offer on one channel."""
