"""OrderCloud (and later SparkLayer) on localhost."""
