"""Stock: one pool per location, shared by all channels; what orders have reserved of it."""
