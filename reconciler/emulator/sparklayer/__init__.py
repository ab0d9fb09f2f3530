"""Emulated SparkLayer."""
