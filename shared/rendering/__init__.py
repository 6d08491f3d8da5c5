"""Other languages: what was said, read in English; the customer's lines in a language."""
