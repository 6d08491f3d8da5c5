"""The judge: a pure function from transcript and rubric to a result; no clock, no randomness."""
