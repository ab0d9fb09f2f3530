"""`reconciler emulate`: serve the APIs on this machine, and change what one serves."""
