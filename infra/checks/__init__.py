"""The house's own rules, which no linter knows; `python -m infra.checks` runs them all.

A rule is a function from files to violations. Exceptions are listed beside the rule, each with
its reason; one that is no longer needed is a violation itself.
"""
