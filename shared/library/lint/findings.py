"""The table of rules for scenarios."""

from pathlib import Path

from shared.library.findings import Finding, Rule, RuleTable, Severity

__all__ = ["Finding", "Rule", "Severity", "fault", "load_rules"]

_TABLE = RuleTable(Path(__file__).with_name("rules.yaml"))

load_rules = _TABLE.load
fault = _TABLE.fault
