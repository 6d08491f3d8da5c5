"""Questions about practice: proficiency, volume, goals, scenarios, and what comes next."""
