"""HTTP service: what `reconciler serve` does for each environment, and nothing that its spec.service does not name."""
