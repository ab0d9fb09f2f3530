"""`reconciler sync-log`: what a merchant sees of the syncs, as SparkLayer keeps it."""
