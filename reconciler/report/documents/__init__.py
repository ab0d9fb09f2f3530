"""Reports as JSON, and the published schemas of it."""
