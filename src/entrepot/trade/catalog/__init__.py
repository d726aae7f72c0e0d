"""Products as the PIM describes them."""
