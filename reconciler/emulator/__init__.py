"""Emulator of OrderCloud and SparkLayer on localhost."""
