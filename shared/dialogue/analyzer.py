"""Finds the acts of one turn, with the words that show them."""

from shared.contracts.dialogue import ActSpan, TurnAnalysis
from shared.dialogue.asking import keep_question, question, read_probe
from shared.dialogue.echo import Before, before, read_echo
from shared.dialogue.matching import phrases
from shared.dialogue.segments import fold, quoted, sentences
from shared.dialogue.sentence import Sentence
from shared.dialogue.settling import read_jargon, settle, settle_turn
from shared.dialogue.topics import with_topics


def analyze(
    text: str, *, previous_customer: str | None = None, previous_agent: str | None = None
) -> TurnAnalysis:
    """Return the acts of a turn in order of appearance; works for any text and either speaker.

    `previous_customer` is what the other side said just before; with it, a sentence that takes up
    their words counts as a paraphrase or as naming the concrete impact, and a question into them
    as probing. `previous_agent` is the speaker's own turn before; with it, a sentence that says it
    again counts as a repetition.
    """
    folded = fold(text)
    earlier = before(previous_customer, previous_agent)
    quotes = quoted(text)
    spans: list[ActSpan] = []
    words = count = questions = 0
    for start, end in sentences(text):
        sentence = Sentence(folded, start, end, quotes)
        found, is_question = _sentence_acts(text, sentence, earlier)
        spans.extend(found)
        words += len(sentence.words)
        count += 1
        questions += is_question
    spans = settle_turn(spans, folded)
    spans.sort(key=lambda span: (span.start, span.end, span.act))
    return TurnAnalysis(acts=tuple(spans), words=words, sentences=count, questions=questions)


def _sentence_acts(text: str, sentence: Sentence, earlier: Before) -> tuple[list[ActSpan], bool]:
    best = phrases(sentence)
    asked, is_question = question(sentence)
    keep_question(asked, sentence, best)
    read_echo(sentence, earlier, best)
    settle(sentence, best, is_question=is_question)
    read_probe(sentence, earlier.said, earlier.echo, best)
    read_jargon(text, sentence, best)
    return with_topics(sentence, list(best.values())), is_question
