"""Assessments as files, streamed by the page: a million rows need no more memory than a hundred."""
