"""One folder per concept of the trade: what a basket, a leg, a return is, which moves it may make, and who may make them."""
