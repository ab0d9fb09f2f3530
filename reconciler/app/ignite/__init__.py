"""Use cases of an Ignite integration: what SparkLayer asks for, and what an operator says to it."""
