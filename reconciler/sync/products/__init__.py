"""The data type `products`: products with their variants, stock and prices, from OrderCloud to SparkLayer."""
