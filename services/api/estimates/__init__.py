"""What a batch will ask of the language model, and what that will cost, before it is started."""
