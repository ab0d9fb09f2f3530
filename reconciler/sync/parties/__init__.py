"""Parties: buyers with their user groups, price schedules assigned to them, and what a user is charged by. Pure."""
