"""The books: our own (ledger), what was agreed (commission), what others say (settlement), what leaves (payout)."""
