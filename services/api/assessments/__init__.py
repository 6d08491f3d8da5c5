"""Assessments and what people do with them: overrides, disputes, second judgments, the timeline."""
