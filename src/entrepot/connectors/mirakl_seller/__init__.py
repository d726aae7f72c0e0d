"""A shop of ours in somebody else's Mirakl marketplace: its orders, offers, imports, returns and money, and what a seller does there."""
