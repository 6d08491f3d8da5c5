"""Statistics of reports: small samples of people, intervals with every number; pure, no I/O."""
