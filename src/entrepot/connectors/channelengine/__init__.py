"""ChannelEngine: a channel manager between us, the merchant, and the channels whose orders it forwards."""
