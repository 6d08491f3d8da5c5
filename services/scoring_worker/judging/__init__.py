"""The judge: a pure function from transcript and rubric to a result. No I/O, no clock, no randomness."""
