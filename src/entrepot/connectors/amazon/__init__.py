"""Amazon, Selling Partner API, where we are the seller."""
