"""The arithmetic of scorecards: what the judge, a person's override and a dry run share."""
