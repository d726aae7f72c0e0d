"""A simulated payment gateway with its own arithmetic: it authorises, captures, releases, refunds, pays and settles."""

from entrepot.sandbox.gateway.model import Refusal, Terms
from entrepot.sandbox.gateway.system import API_KEY, Gateway

__all__ = ["API_KEY", "Gateway", "Refusal", "Terms"]
