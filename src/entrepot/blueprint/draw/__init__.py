"""What is drawn from the plan: maps, registers and cards, as text. Pure: a plan in, the same bytes out every time."""
