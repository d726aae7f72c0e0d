"""A simulated ChannelEngine: a channel manager that stands between us, the merchant, and the channels it forwards orders of."""

from entrepot.sandbox.channelengine.portal import Portal
from entrepot.sandbox.channelengine.settings import Channel, Product, Settings
from entrepot.sandbox.channelengine.system import ChannelEngine

__all__ = ["Channel", "ChannelEngine", "Portal", "Product", "Settings"]
