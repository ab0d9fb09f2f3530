"""Pauses: what manifests declare, what people lease, and when a sync stands still."""
