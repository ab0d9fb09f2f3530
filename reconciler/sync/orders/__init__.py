"""Orders that were placed through SparkLayer, on their way back to it."""
