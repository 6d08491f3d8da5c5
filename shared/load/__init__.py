"""How much is done for whom, how long it takes, and which processes do it: for the operators."""
