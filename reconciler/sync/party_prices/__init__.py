"""Data type `party-prices`: a price list for each combination of parties that has prices of its own."""
