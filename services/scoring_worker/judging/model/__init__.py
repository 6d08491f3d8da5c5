"""What the judge asks a language model, and how far it believes the answers; no I/O."""
