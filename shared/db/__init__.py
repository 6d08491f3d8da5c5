"""PostgreSQL: pools, the one tenant transaction, named queries, sealed columns."""
