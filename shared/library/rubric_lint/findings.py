"""The table of rules for rubrics."""

from pathlib import Path

from shared.library.findings import RuleTable

__all__ = ["fault", "load_rules"]

_TABLE = RuleTable(Path(__file__).with_name("rules.yaml"))

load_rules = _TABLE.load
fault = _TABLE.fault
