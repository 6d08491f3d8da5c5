"""`python -m infra.fit --data DIR`: fit the behaviors on labelled conversations.

With `--out FILE` the weights of a fit on everything are written; with `--held-out FILE` the
strengths of every item by models that did not see its fold, in the format that the evaluator of
the data reads.
"""

import argparse
import json
from pathlib import Path

from infra.fit.answers import Answer, Predictions, load_answers
from infra.fit.crossvalidation import Asked, Known, Library, families, fit_all, held_out
from infra.fit.examples import Table, load_table
from infra.fit.shipping import encode, weights_of


def predictions_held_out(
    library: Library, table: Table, known: Known, answers: dict[str, Answer]
) -> Predictions:
    """Return every metric's strengths, each by models that did not see its item's group.

    A metric on a set that the behavior was not learned from is left to the full model.
    """
    found: Predictions = {}
    for family in families(table):
        lead = family.lead
        asked: dict[Asked, list[str]] = {}
        for metric, answer in answers.items():
            if answer.behavior in family.keys and answer.set in lead.sets:
                key = (answer.behavior, answer.set, answer.items, answer.first)
                asked.setdefault(key, []).append(metric)
        if not asked or not library.rows_of(lead):
            continue
        print(f"held out: {', '.join(family.keys)}", flush=True)
        strengths = held_out(family, table, library, list(asked), known)
        for key, metrics in asked.items():
            found |= dict.fromkeys(metrics, strengths[key])
    return {metric: found[metric] for metric in answers if metric in found}


def main() -> None:
    """Read the arguments and do it."""
    ask = argparse.ArgumentParser(prog="python -m infra.fit", description=__doc__)
    ask.add_argument("--data", type=Path, required=True, help="folder of labelled sets")
    ask.add_argument("--out", type=Path, help="where the weights go")
    ask.add_argument("--held-out", type=Path, help="where held-out strengths go")
    options = ask.parse_args()
    table = load_table()
    library = Library(options.data, table)
    known = fit_all(library, table)
    for key, fitted in known.items():
        penalty, balance, agreement = fitted.choice
        print(f"{key:28s} {len(fitted.names):5d} features  {penalty=} {balance=} {agreement:.3f}")
    if options.out:
        options.out.write_bytes(encode(weights_of(known)))
    if options.held_out:
        found = predictions_held_out(library, table, known, load_answers())
        options.held_out.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
