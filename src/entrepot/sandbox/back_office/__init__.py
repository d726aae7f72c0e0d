"""A seller company's back office, simulated: it books orders, picks, ships, gives lines up, takes goods back, and owns stock, prices and products."""

from entrepot.sandbox.back_office.settings import Article, Settings
from entrepot.sandbox.back_office.system import BackOffice

__all__ = ["Article", "BackOffice", "Settings"]
