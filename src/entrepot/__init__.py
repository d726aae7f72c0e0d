"""Entrepot: the hub between marketplaces and a company's back office."""

__version__ = "0.1.0"
