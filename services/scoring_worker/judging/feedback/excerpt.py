"""Short quotes of the customer for running text."""

from services.scoring_worker.judging.customer import find_feeling
from services.scoring_worker.judging.words import count_words, fold, sentence_at, sentences, topics

MIN_WORDS = 3
"""Fewer words are not worth quoting."""

_MANNERS = ("let me guess", "go on", "come on", "say that again")
_OPEN_END = ".,;:- "


def excerpt(text: str, most: int) -> str:
    """Return a short turn whole, else its sentence with the feeling or the most topics, cut."""
    whole = " ".join(text.split()).strip("“”\"'")
    if len(whole) <= most:
        return _ended(whole)
    spans = sentences(whole)
    found = find_feeling(whole)
    if found is not None:
        span = sentence_at(whole, found[1])
    else:
        span = max(
            spans,
            key=lambda item: (
                item.end - item.start <= most,
                len(topics(whole[item.start : item.end])),
            ),
        )
    quote = whole[span.start : span.end].strip("“”\"'")
    if len(quote) <= most:
        return _ended(quote)
    return f"{quote[:most].rsplit(' ', 1)[0].rstrip(_OPEN_END)} …"


def _ended(text: str) -> str:
    """End with a mark, so that it can end the sentence around it."""
    return text if text.endswith(("?", "!", "…", ".")) else f"{text}."


def clause(text: str, most: int) -> str | None:
    """Return a sentence of the customer for the middle of one's own, or None if it says little."""
    found = excerpt(text, most) if text.strip() else ""
    said = found[:-1] if found.endswith(".") and not found.endswith("..") else found
    is_manner = fold(said).startswith(_MANNERS)
    return said if count_words(said) >= MIN_WORDS and topics(said) and not is_manner else None
