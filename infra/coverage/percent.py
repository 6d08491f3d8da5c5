"""How shares are shown."""


def percent(value: float) -> str:
    """Return a share 0..1 as percent with one decimal."""
    return f"{100 * value:.1f} %"
