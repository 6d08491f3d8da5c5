"""What people are told by law, in every language that we have."""

import pytest

from shared import notices
from shared.notices import languages, notice


class TestNotices:
    @pytest.mark.parametrize("language", sorted(languages()))
    def test_every_language_says_both_in_its_own_words(self, language: str) -> None:
        for kind in ("simulation", "score"):
            told = notice(kind, language)  # type: ignore[arg-type]  # one of both kinds
            assert told.language == language
            assert len(told.text) > 40
            assert told.text.endswith(".")
            assert "Regulation (EU)" in told.law
            if language != "en":
                assert told.text != notice(kind, "en").text  # type: ignore[arg-type]  # likewise

    def test_no_two_languages_share_a_text(self) -> None:
        texts = [notice("simulation", language).text for language in languages()]
        assert len(set(texts)) == len(texts) >= 20

    @pytest.mark.parametrize(("asked", "told"), [("pt-BR", "pt"), ("DE-at", "de"), ("xx", "en")])
    def test_variants_and_the_unknown(self, asked: str, told: str) -> None:
        assert notice("simulation", asked).language == told

    def test_tags_without_end_take_no_room(self) -> None:
        for number in range(1000):
            notice("score", f"de-x-{number}")
        assert notices._told.cache_info().currsize <= 2 * len(languages())
