"""Parties: buyers with their user groups, which of them flow, and what a user is charged by. Pure."""
