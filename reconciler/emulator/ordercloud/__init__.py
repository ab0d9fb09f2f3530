"""The emulated OrderCloud: auth, configuration, and (issue 3) the marketplace itself."""
