"""Amazon's Selling Partner API as a seller meets it, simulated, with books of its own."""

from entrepot.sandbox.amazon.settings import MARKETS, RATES, Market, Product, Settings
from entrepot.sandbox.amazon.system import Amazon

__all__ = ["MARKETS", "RATES", "Amazon", "Market", "Product", "Settings"]
