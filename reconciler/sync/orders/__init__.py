"""The data type of orders: those that were placed through SparkLayer go back to it as purchases."""
