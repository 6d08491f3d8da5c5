"""The drill of a total loss: dump, wipe everything, restore, and see that all work ends."""
