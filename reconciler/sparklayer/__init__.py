"""SparkLayer: kinds, client, sync log."""
