"""`reconciler sync`: run data syncs, and see how they are doing."""
