"""The audit trail: entries that are written with a change, and the chains they become."""
