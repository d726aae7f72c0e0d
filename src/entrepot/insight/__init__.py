"""Business measures over what the hub has done: read set-based, changing nothing."""
