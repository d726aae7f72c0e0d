"""The shop front: it calls us for checkouts and baskets (web/doors.py); we publish offers to it."""
