"""A simulated eBay, seen by a seller, with its own books, fees and arithmetic."""

from entrepot.sandbox.ebay.settings import Product, Settings
from entrepot.sandbox.ebay.system import Ebay

__all__ = ["Ebay", "Product", "Settings"]
