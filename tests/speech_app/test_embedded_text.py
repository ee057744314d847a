"""What happens to text before and after Apertium. Nothing here starts a process."""

from __future__ import annotations

from pathlib import Path

import pytest

from speech_app.backends.base import GlossaryEntry
from speech_app.backends.embedded import apertium, phrase_memory
from speech_app.backends.embedded.glossary import protect, say
from speech_app.backends.embedded.phrase_memory import Piece, parse
from speech_app.backends.embedded.routes import find_route, reachable
from speech_app.backends.glossary import renderings_in

PHRASES = Path(phrase_memory.__file__).parent / "phrases"
MEMORY = parse(
    "# a comment\n"
    "good morning everyone\tbuenos días a todos\n"
    "first\tprimero\n"
    "i am sad\testoy triste\n"
    "thank you very much\tmuchas gracias\n"
    "see you next month\thasta el mes que viene\n"
    "and\ty\n"
    "welcome to…\tbienvenidos a…\n"
    "how are you?\t¿cómo están?\n"
    "right.\tcorrecto\n"
    "~meeting\tsession\n"
    "quarter\tcuarto\ttrimestre\n"
)


def pieces(sentence: str) -> list[tuple[str, bool]]:
    return [(piece.text, piece.rendered) for piece in MEMORY.split(sentence)]


class TestPhraseMemory:
    def test_a_whole_sentence_whatever_its_case_and_commas(self) -> None:
        assert pieces("Good morning, everyone.") == [("buenos días a todos.", True)]

    def test_contractions_are_the_same_as_the_words_they_stand_for(self) -> None:
        assert pieces("I'm sad.") == pieces("I’m sad.") == [("estoy triste.", True)]

    def test_a_clause_and_the_rest_of_the_sentence(self) -> None:
        assert pieces("First, we sold more.") == [("primero,", True), ("we sold more.", False)]

    def test_a_word_inside_a_clause_is_left_to_the_translation(self) -> None:
        assert pieces("The first version is ready.") == [("The first version is ready.", False)]

    def test_an_opening_joins_what_follows(self) -> None:
        assert pieces("Good morning everyone, welcome to our school.") == [
            ("buenos días a todos,", True),
            ("bienvenidos a", True),
            ("our school.", False),
        ]

    def test_an_opening_with_nothing_after_it_is_no_opening(self) -> None:
        assert pieces("Welcome to") == [("Welcome to", False)]

    def test_and_is_rendered_between_phrases_and_nowhere_else(self) -> None:
        assert pieces("Thank you very much, and see you next month.") == [
            ("muchas gracias,", True),
            ("y", True),
            ("hasta el mes que viene.", True),
        ]
        assert pieces("Schools and hospitals.") == [("Schools and hospitals.", False)]

    def test_a_question_matches_as_a_whole_and_brings_its_own_mark(self) -> None:
        assert pieces("How are you?") == pieces("How are you") == [("¿cómo están?", True)]
        assert pieces("Right, how are you?") == [("Right, how are you?", False)]

    def test_words_the_translation_does_not_know_are_said_in_others(self) -> None:
        assert MEMORY.reword("The meeting and the meetings") == "The session and the meetings"

    def test_a_mistake_is_mended_only_where_the_source_holds_the_word(self) -> None:
        assert MEMORY.mend("el segundo cuarto", "the second quarter") == "el segundo trimestre"
        assert MEMORY.mend("el segundo cuarto", "the second room") == "el segundo cuarto"

    def test_a_line_that_is_no_phrase_is_named(self) -> None:
        with pytest.raises(ValueError, match="line 2"):
            parse("a\tb\nno tab here\n")

    @pytest.mark.parametrize("path", sorted(PHRASES.glob("*.tsv")), ids=lambda path: path.stem)
    def test_every_file_can_be_read_and_is_worth_having(self, path: Path) -> None:
        memory = parse(path.read_text(encoding="utf-8"))
        assert len(memory.sentences) + len(memory.openings) >= 150

    def test_the_languages_of_the_product_have_a_file(self) -> None:
        assert sorted(path.stem for path in PHRASES.glob("en-*.tsv")) == [
            "en-ca", "en-es", "en-fr", "en-gl", "en-it", "en-pt",
        ]  # fmt: skip

    def test_a_piece_knows_whether_it_is_done(self) -> None:
        assert MEMORY.split("Hello") == [Piece("Hello", rendered=False)]


class TestGlossary:
    ENTRIES = (
        GlossaryEntry("Blue Ocean", keep=True),
        GlossaryEntry("ocean", translations={"es-ES": "mar"}),
        GlossaryEntry("board", translations={"es-MX": "junta", "fr-FR": "conseil"}, say_as="bord"),
        GlossaryEntry("C++", keep=True, say_as="see plus plus"),
    )

    def rendered(self, text: str, language: str) -> str | None:
        protected = protect(text, renderings_in(language, self.ENTRIES))
        assert not any(term in protected.text.lower() for term in ("ocean", "board"))
        return protected.restore(protected.text)

    def test_terms_are_kept_or_translated_as_told_the_longest_first(self) -> None:
        text = "The blue  ocean board likes the Ocean."
        assert self.rendered(text, "es-ES") == "The Blue Ocean junta likes the mar."

    def test_parts_of_words_are_no_terms(self) -> None:
        assert protect("oceans", renderings_in("es-ES", self.ENTRIES)).terms == ()

    def test_a_term_without_a_translation_is_left_to_the_translation(self) -> None:
        assert protect("board", renderings_in("it-IT", self.ENTRIES)).text == "board"

    def test_letters_that_only_a_pattern_takes_for_equal_are_not(self) -> None:
        protected = protect("I see ı.", {"ı": "dotless"})
        assert protected.restore(protected.text) == "I see dotless."
        assert say("I see ı.", [GlossaryEntry("ı", say_as="dotless")]) == "I see dotless."

    def test_a_term_of_marks_is_found(self) -> None:
        protected = protect("We use C++.", renderings_in("es-ES", self.ENTRIES))
        assert protected.terms == ("C++",)

    def test_a_translation_that_lost_a_term_is_not_restored(self) -> None:
        protected = protect("The ocean.", renderings_in("es-ES", self.ENTRIES))
        assert protected.restore("El.") is None
        assert protected.restore(f"{protected.text} {protected.text}") is None
        assert protected.parts() == [("The ", "mar"), (".", None)]

    def test_many_terms_each_find_their_place(self) -> None:
        text = " ".join(f"t{number}" for number in range(200))
        entries = [GlossaryEntry(f"t{number}", keep=True) for number in range(200)]
        protected = protect(text, renderings_in("es-ES", entries))
        assert protected.restore(protected.text) == text

    def test_a_voice_says_terms_as_told(self) -> None:
        assert (
            say("The Board uses c++ boards.", self.ENTRIES) == "The bord uses see plus plus boards."
        )


class TestRoutes:
    MODES = frozenset(
        {"eng-cat", "cat-spa", "eng-spa", "cat-por_BR", "es-pt", "en-gl", "spa-ita", "spa-eng"}
    )

    @pytest.mark.parametrize(
        ("source", "target", "route"),
        [
            ("en-US", "es-ES", ("eng-cat", "cat-spa")),
            ("en-GB", "es-AR", ("eng-cat", "cat-spa")),
            ("en-US", "pt-BR", ("eng-cat", "cat-por_BR")),
            ("en-US", "gl-ES", ("en-gl",)),
            ("en-US", "it-IT", ("eng-spa", "spa-ita")),
            ("es-ES", "en-US", ("spa-eng",)),
            ("en-US", "en-GB", ()),
            ("en-US", "de-DE", None),
            ("en-US", "fr-FR", None),
            ("xx", "es-ES", None),
        ],
    )
    def test_route(self, source: str, target: str, route: tuple[str, ...] | None) -> None:
        assert find_route(source, target, self.MODES) == route

    def test_without_the_measured_pair_the_direct_one_is_taken(self) -> None:
        assert find_route("en-US", "es-ES", {"eng-spa", "eng-cat"}) == ("eng-spa",)

    def test_only_what_can_be_reached_is_offered(self) -> None:
        assert reachable("en-US", {"eng-cat", "en-gl"}) == ["en-GB", "ca-ES", "gl-ES"]
        assert reachable("en-US", set()) == ["en-GB"]


class TestApertiumText:
    @pytest.mark.parametrize(
        "text", ["plain", "[a] {b} ^c$ d/e \\ @f <g>", "", "50% é ñ", "a*b", "a.", "# 1"]
    )
    def test_text_comes_back_from_the_form_that_apertium_reads(self, text: str) -> None:
        assert apertium.unescape(apertium.escape(text)) == text

    def test_marks_of_unknown_words_are_taken_away(self) -> None:
        assert apertium.unescape("El *Zugspitze #ir @casa.[][\n]") == "El Zugspitze ir casa"

    def test_stages_of_a_mode(self, tmp_path: Path) -> None:
        mode = tmp_path / "a-b.mode"
        mode.write_text("lt-proc -w '/x y.bin' | apertium-tagger -g $2 /p | lt-proc $1 /g\n")
        assert apertium.stages(mode) == [
            ["lt-proc", "-z", "-w", "/x y.bin"],
            ["apertium-tagger", "-z", "-g", "/p"],
            ["lt-proc", "-z", "-n", "/g"],
        ]

    def test_a_machine_without_apertium_has_no_modes(self, tmp_path: Path) -> None:
        assert apertium.installed_modes(tmp_path / "none") == frozenset()
