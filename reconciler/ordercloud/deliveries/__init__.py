"""Deliveries of OrderCloud: what a message says, and whether OrderCloud signed it. Pure."""
