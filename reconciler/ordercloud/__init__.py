"""Sitecore OrderCloud: kinds, client, readers."""
