"""Streams of what a marketplace holds."""
