"""The payment gateway: captures, releases, refunds, its events, and its settlement reports, the independent witness."""
