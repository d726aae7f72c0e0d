"""Console and JSON API: one app, one permission matrix."""
