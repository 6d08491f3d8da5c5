"""Statistics of skill scores over time: buckets, distributions, facts and differences; no I/O."""
