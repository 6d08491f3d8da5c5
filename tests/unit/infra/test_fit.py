"""Fitting behaviors, on invented conversations in the format of the labelled sets."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from infra.fit import answers, crossvalidation, examples, linear, shipping
from infra.fit.conversations import Conversation, items_of
from services.scoring_worker.judging.behaviors.model import Model
from services.scoring_worker.judging.behaviors.utterance import utterances

KIND = ("Thanks a lot, that helps.", "Could you please have a look?", "Thank you so much.")
RUDE = ("Just do it now.", "Why did you break this?", "You never read anything.")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = []
    for n in range(30):
        kind = n % 2
        text = f"{(KIND if kind else RUDE)[n % 3]} Case number{n} of the pile."
        turns = [
            {"role": "customer", "text": "Here is the file."},
            {"role": "agent", "text": text, "labels": {"tone": "warm" if kind else "cold"}},
        ]
        labels = {"kindness": kind + n / 100}
        rows.append({"id": f"invented:{n}", "turns": turns, "labels": labels})
    (tmp_path / "invented.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path


def table(**extra: object) -> examples.Table:
    target = {
        "behavior": "kindness",
        "sets": ["invented"],
        "items": "conversation",
        "label": "kindness",
        **extra,
    }
    return msgspec.convert({"groups": {}, "targets": [target]}, examples.Table)


def held_out(folder: Path, rules: examples.Table) -> dict[str, float]:
    library = crossvalidation.Library(folder, rules)
    known = crossvalidation.fit_all(library, rules)
    asked: crossvalidation.Asked = ("kindness", "invented", "conversation", None)
    family = crossvalidation.families(rules)[0]
    return crossvalidation.held_out(family, rules, library, [asked], known)[asked]


class TestHeldOut:
    def test_every_item_gets_a_strength_that_follows_the_labels(self, folder: Path) -> None:
        found = held_out(folder, table())
        assert sorted(found) == sorted(f"invented:{n}" for n in range(30))
        kind = [found[f"invented:{n}"] for n in range(1, 30, 2)]
        rude = [found[f"invented:{n}"] for n in range(0, 30, 2)]
        assert min(kind) > max(rude)

    def test_same_data_same_strengths(self, folder: Path) -> None:
        assert held_out(folder, table()) == held_out(folder, table())

    def test_the_label_of_a_held_out_item_never_moves_its_strength(self, folder: Path) -> None:
        before = held_out(folder, table())
        path = folder / "invented.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        rows[7]["labels"]["kindness"] = -50.0
        path.write_text("\n".join(map(json.dumps, rows)))
        after = held_out(folder, table())
        rules = table()
        library = crossvalidation.Library(folder, rules)
        groups = [row.group for row in library.get("invented", "conversation")]
        fold = linear.fold_of(groups, crossvalidation.FOLDS)
        for n in range(30):
            moved = before[f"invented:{n}"] != after[f"invented:{n}"]
            assert moved == (fold[n] != fold[7])

    def test_words_of_the_held_out_fold_are_not_known(self, folder: Path) -> None:
        rules = table()
        library = crossvalidation.Library(folder, rules)
        rows = library.get("invented", "conversation")
        fitted = crossvalidation.learn(crossvalidation.families(rules)[0], rows[1:], {})
        assert not any("number0" in name for name in fitted["kindness"].names)


class TestFolds:
    def test_a_group_stays_together_and_order_does_not_matter(self) -> None:
        groups = [f"g{n % 7}" for n in range(40)]
        fold = linear.fold_of(groups, 3)
        by_group = dict(zip(groups, fold.tolist(), strict=True))
        assert [by_group[group] for group in groups] == fold.tolist()
        assert linear.fold_of(groups[::-1], 3).tolist() == fold.tolist()[::-1]
        assert set(fold.tolist()) == {0, 1, 2}


class TestLinear:
    def test_solve_is_ridge_regression(self) -> None:
        rng = np.random.default_rng(3)
        root = linear.to_matrix(
            [
                {f"t:{n}": float(value) for n, value in enumerate(row)}
                for row in rng.normal(size=(30, 8))
            ]
        ).cells
        labels = rng.normal(size=(30, 2))
        frame = np.full((30, 1), 30**-0.5)
        dual = linear.solve(root, labels, 2.0, frame)
        centered = root.toarray() - root.toarray().mean(axis=0)
        gram = centered.T @ centered + 2.0 * np.eye(8)
        expected = np.linalg.solve(gram, centered.T @ (labels - labels.mean(axis=0)))
        assert np.allclose(root.T @ dual, expected, atol=1e-5)

    def test_what_is_put_aside_is_left_out(self) -> None:
        rng = np.random.default_rng(5)
        length, real = rng.normal(size=120), rng.normal(size=120)
        rows = [
            {"t:length": float(a), "t:real": float(b)} for a, b in zip(length, real, strict=True)
        ]
        labels = (2 * length + real)[:, None]
        groups = [str(n) for n in range(120)]
        matrix = linear.to_matrix(rows)
        plain = linear.fit(matrix, labels, groups)[0]
        aside = linear.fit(matrix, labels, groups, aside=length)[0]
        share = {
            name: abs(fitted.strength({"t:length": 1.0}) - fitted.bias)
            / abs(fitted.strength({"t:real": 1.0}) - fitted.bias)
            for name, fitted in (("plain", plain), ("aside", aside))
        }
        assert share["plain"] > 1.5
        assert share["aside"] < 0.1

    def test_few_examples_stay_near_the_prior(self) -> None:
        rows = [{"t:good": n % 2, "t:noise": (n // 2) % 2} for n in range(8)]
        labels = np.array([[0.0, 1.0] * 4]).T
        fitted = linear.fit(
            linear.to_matrix(rows), labels, [str(n) for n in range(8)], [{"t:good": 1.0}]
        )[0]
        assert fitted.strength({"t:good": 1.0}) > fitted.strength({"t:noise": 1.0})


class TestShipping:
    def test_same_bytes_twice_and_the_same_strengths_as_fitted(self, folder: Path) -> None:
        rules = table(unit="conversation")
        known = [
            crossvalidation.fit_all(crossvalidation.Library(folder, rules), rules) for _ in "ab"
        ]
        first, second = (shipping.encode(shipping.weights_of(one)) for one in known)
        assert first == second
        weights = msgspec.json.decode(first, type=shipping.Weights)
        said = utterances([("customer", "Hello."), ("agent", KIND[0])], "agent")
        shipped = Model(weights).of_conversation(said)["kindness"]
        fitted = known[0]["kindness"].strength(examples.item_features(said))
        assert shipped == pytest.approx(fitted, abs=1e-5)

    def test_a_mixed_behavior_looks_at_the_strength_of_another(self, folder: Path) -> None:
        one = table().targets[0]
        two = msgspec.structs.replace(one, behavior="warmth", only=("t:",), more=("kindness",))
        rules = examples.Table(groups={}, targets=(one, two))
        known = crossvalidation.fit_all(crossvalidation.Library(folder, rules), rules)
        weights = shipping.weights_of(known)
        assert list(weights.mixed["warmth"]) == ["kindness"]
        said = utterances([("agent", KIND[1])], "agent")
        values = examples.item_features(said)
        inputs = crossvalidation.inputs(two, values, known)
        shipped = Model(weights).of_conversation(said)["warmth"]
        assert shipped == pytest.approx(known["warmth"].strength(inputs), abs=1e-5)


class TestTargets:
    @pytest.mark.parametrize(
        ("rule", "labels", "value"),
        [
            ({}, {"kindness": 2}, 2.0),
            ({}, {}, None),
            ({"among": ["Yes"]}, {"kindness": "Yes "}, 1.0),
            ({"among": ["Yes"]}, {"kindness": "To some extent"}, 0.0),
            ({"holds": "a"}, {"kindness": ["b", "a"]}, 1.0),
        ],
    )
    def test_a_label_becomes_a_number(self, rule, labels, value) -> None:
        assert table(**rule).targets[0].value(labels) == value

    def test_the_shipped_tables_agree(self) -> None:
        rules, asked = examples.load_table(), answers.load_answers()
        learned = {target.behavior for target in rules.targets}
        assert {answer.behavior for answer in asked.values()} <= learned
        assert len(learned) == len(rules.targets)

    def test_an_unknown_field_is_refused(self) -> None:
        with pytest.raises(msgspec.ValidationError, match="colour"):
            table(colour="red")


class TestItems:
    TALK = msgspec.convert(
        {
            "id": "x:1",
            "turns": [
                {"role": "agent", "text": "Hello."},
                {"role": "customer", "text": "Hi.", "labels": {"mood": 1}},
                {"role": "agent", "text": "How are you?", "labels": {"mood": 2}},
            ],
        },
        Conversation,
    )

    @pytest.mark.parametrize(
        ("kind", "expected"),
        [
            ("conversation", [("x:1", "agent", (0, 2))]),
            ("last_turn", [("x:1", "agent", (2,))]),
            ("turn", [("x:1#0", "agent", (0,)), ("x:1#2", "agent", (2,))]),
            ("labeled_turn", [("x:1#1", "customer", (1,)), ("x:1#2", "agent", (2,))]),
            ("turn_before", [("x:1#1", "agent", (0,))]),
        ],
    )
    def test_kinds(self, kind, expected) -> None:
        found = [(item.id, item.speaker, item.positions) for item in items_of(self.TALK, kind)]
        assert found == expected
