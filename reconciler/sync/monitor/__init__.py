"""Data syncs looked at from outside: status, health, drift, and what doctor examines."""
