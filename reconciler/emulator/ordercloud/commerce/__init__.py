"""Marketplace: products, prices, stock, buyers, suppliers, orders, and the assignments between them."""
