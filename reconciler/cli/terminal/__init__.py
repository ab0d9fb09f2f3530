"""The terminal: results, messages, progress."""
