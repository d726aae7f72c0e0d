"""One folder per outside system; the only place that knows a foreign field name."""
