"""Prices of their own: price schedules of buyers and user groups become price lists of customers."""
