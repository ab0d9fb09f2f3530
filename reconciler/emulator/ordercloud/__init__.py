"""Emulated OrderCloud: login, sync configuration, and the marketplace itself."""
