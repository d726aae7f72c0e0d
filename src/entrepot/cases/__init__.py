"""Failures and disagreements with an owner, promises with a due time, and the words that reach people about both."""
