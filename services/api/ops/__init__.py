"""The operators' API, `/ops/v1`: every tenant's load, cost and backlog, and what to do about them.

Numbers, ids, codes and times of all tenants; never a word of anybody. Operators have keys of their
own, and every call of theirs is in the audit trail.
"""
