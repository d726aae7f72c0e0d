"""What the operator may charge a seller: the agreed rates, and the arithmetic on one line."""
