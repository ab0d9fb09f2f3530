"""Workers: processes that take jobs from the queue on the ledger's PostgreSQL. The only room that knows pgqueuer."""
