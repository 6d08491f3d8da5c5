"""What all questions over NATS request/reply have in common: how an answer says that it is none."""

ERROR_CODE_HEADER = "Nats-Service-Error-Code"
"""Header of a refused request: `400` wrong question, `500` bug, `503` try again; else absent."""

ERROR_HEADER = "Nats-Service-Error"
"""Header of a refused request: one sentence without data. Both names are those of NATS services."""

ERROR_FIELD_HEADER = "Rapport-Error-Field"
"""Header of a refused question (`400`): which parameter is wrong, where one is."""

PATIENCE_HEADER = "Rapport-Patience-Ms"
"""Header of a question: milliseconds for which who asks waits; later answers are not made."""
