"""Walmart US marketplace as a seller meets it: orders, feeds, price and stock, returns, webhooks, recon reports."""

from entrepot.sandbox.walmart.settings import Product, Settings
from entrepot.sandbox.walmart.system import Walmart

__all__ = ["Product", "Settings", "Walmart"]
