"""Teams: whose skills are reported together."""
