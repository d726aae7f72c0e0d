"""A simulated Mirakl marketplace: the operator's platform, with its own state machine, books and arithmetic."""

from entrepot.sandbox.mirakl.portal import Portal
from entrepot.sandbox.mirakl.settings import CategorySeed, OfferSeed, Settings, ShopSeed
from entrepot.sandbox.mirakl.shopfront import Product, Shopfront
from entrepot.sandbox.mirakl.system import Mirakl

__all__ = ["CategorySeed", "Mirakl", "OfferSeed", "Portal", "Product", "Settings", "ShopSeed", "Shopfront"]
