"""`make bench`: rows of numbers, each beside a floor measured in the same run."""
