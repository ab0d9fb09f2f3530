"""Pull: pages of what SparkLayer should have, answered from the source and what the ledger has resolved.

cursor -> source page -> mapper -> names -> resolve -> entities; what is noted is what a run notes of what it wrote.
"""
