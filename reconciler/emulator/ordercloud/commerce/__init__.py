"""The marketplace itself: products, prices, stock, buyers, suppliers, orders and what ties them together."""
