"""Customers: buyer users with their addresses, groups and price lists."""
