"""eBay, where we are the seller: its orders, listings, returns, disputes and payouts, and what a seller does there."""
