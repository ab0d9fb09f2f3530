"""Reconciler: sync configuration of Sitecore OrderCloud and SparkLayer, kept as code."""

__version__ = "0.1.0"

__all__ = ["__version__"]
