"""The outside world, simulated, with its own books and arithmetic. Imports nothing of the hub."""
