"""SparkLayer on this machine."""
