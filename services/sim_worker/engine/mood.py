"""The customer's mood in one word, for people to read."""

from shared.contracts.scenario import Mind


def mood(mind: Mind) -> str:
    """Return the mood that stands out; the first rule that fits wins."""
    rules = (
        (mind.frustration >= 85, "furious"),
        (mind.anxiety >= 80, "frightened"),
        (mind.frustration >= 65, "angry"),
        (mind.patience <= 15, "out of patience"),
        (mind.anxiety >= 62, "nervous"),
        (mind.frustration >= 48 and mind.trust < 45, "irritated"),
        (mind.trust < 30, "suspicious"),
        (mind.trust < 42, "wary"),
        (mind.clarity < 25, "confused"),
        (mind.anxiety >= 45, "uneasy"),
        (mind.trust >= 70 and mind.frustration <= 25, "won over"),
        (mind.trust >= 55 and mind.frustration <= 40, "calmer"),
    )
    return next((word for fits, word in rules if fits), "listening")
