"""Commands of `reconciler ignite`."""
