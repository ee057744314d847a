"""Speech to translated phrases, through the real SDK."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from speech_app.backends.azure import listening, refusals, translator
from speech_app.backends.base import (
    AUTO,
    BackendDown,
    GlossaryEntry,
    LanguageUnavailable,
    Trouble,
)
from tests.azure.talking import (
    TALK_MS,
    Talk,
    backend_at,
    native_threads,
    sentences,
    talking,
    threads_of_process,
    until,
    words,
)
from tests.azure_emulator.running import Emulator
from tests.clients import recorded, silence

pytestmark = pytest.mark.azure

ENGLISH = sentences("en")
SPANISH = sentences("es")
TWO = [words(text) for text in ENGLISH[:2]]
EIGHT = ["es-ES", "es-MX", "fr-FR", "de-DE", "it-IT", "ja-JP", "pt-BR", "pt-PT"]


def stt_contexts(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [each["context"] for each in state["contexts"] if each["service"] == "stt"]


async def test_a_talk_comes_whole_in_eight_languages_at_once(emulator: Emulator) -> None:
    async with talking(emulator, targets=EIGHT) as talk:
        await talk.say(recorded(0, TALK_MS), speed=16)
        await talk.finish()
        assert talk.said == [words(text) for text in ENGLISH]
        assert talk.translated("es-ES") == SPANISH
        assert talk.translated("es-MX") == SPANISH
        for language in EIGHT:
            assert None not in talk.translated(language)
        assert talk.troubles == []
        starts = [(final.start_sample, final.end_sample) for final in talk.finals]
        assert starts == sorted(starts)
        assert starts[0] == pytest.approx((8000, 55136), abs=1600)
    context = stt_contexts(emulator.state())[0]
    codes = context["translation"]["targetLanguages"]
    assert sorted(codes) == ["de", "es", "fr", "it", "ja", "pt", "pt-pt"]


async def test_partials_carry_every_language_and_grow_into_the_final(emulator: Emulator) -> None:
    async with talking(emulator, targets=["es-ES", "en-GB"]) as talk:
        await talk.say_two_sentences()
        await talk.finish()
        first = [each for each in talk.partials if each.start_sample < 60_000]
        assert len(first) > 3
        assert [set(each.translations) for each in first] == [{"es-ES"}] * len(first)
        assert words(first[-1].text) == TWO[0]
        keys = [each.text for each in first]
        assert sorted(keys, key=len) == keys
        # The same language as the source needs no translation.
        assert talk.translated("es-ES") == SPANISH[:2]
        assert {type(each).__name__ for each in talk.events} == {
            "Partial",
            "Final",
            "Translated",
        }


@pytest.mark.parametrize(
    "fault",
    [
        "429-once",
        "close-1000-once@5",
        "close-1001-once@5",
        "close-1007-once@5",
        "close-1011-once@5",
        "close-4429-once@5",
        "close-abort-once@5",
        "close-abort-once@1",
        "no-turn-end",
        "late-turn-end@1",
    ],
)
async def test_a_passing_fault_loses_and_doubles_nothing(emulator: Emulator, fault: str) -> None:
    async with talking(emulator, f"key-stt-{fault}") as talk:
        await talk.say_two_sentences()
        await talk.finish()
        assert talk.said == TWO
        assert talk.translated("es-ES") == SPANISH[:2]


async def test_a_server_that_closes_every_connection_is_tried_again_and_told(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK gives up after five connections, without a word."""
    monkeypatch.setattr(listening, "RECONNECT_WITHIN_S", 0.5)
    monkeypatch.setattr(listening, "FINISH_WITHIN_S", 0.5)
    async with talking(emulator, "key-stt-close-always") as talk:
        await talk.say(recorded(0, 1_500))
        await emulator.until(lambda state: state["opened"]["stt"] > 11)
        await talk.until(lambda talk: talk.troubles != [])
        await talk.finish()
        [trouble] = talk.troubles
        assert trouble.message == refusals.UNREACHABLE


async def test_connections_that_last_for_six_seconds_lose_nothing(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "RECONNECT_WITHIN_S", 1.0)
    async with talking(emulator, "key-stt-close-1000@6") as talk:
        await talk.say(recorded(0, 45_500), speed=8)
        await talk.finish()
        assert talk.said == [words(text) for text in ENGLISH[:11]]
        assert talk.translated("es-ES") == SPANISH[:11]
    assert emulator.state()["opened"]["stt"] > 5


@pytest.mark.parametrize(
    ("key", "words_of_it"),
    [
        ("key-stt-401", "check SPEECH_KEY and SPEECH_REGION"),
        ("key-stt-403", "check that the resource is active"),
        ("key-stt-429", "The quota of the Azure Speech resource is used up"),
        ("key-stt-500", "Azure Speech"),
        ("key-stt-silent", "Azure Speech cannot be reached"),
    ],
)
async def test_a_session_that_cannot_begin_says_why(
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    key: str,
    words_of_it: str,
) -> None:
    monkeypatch.setattr(listening, "CONNECT_WITHIN_S", 2.0)
    async with backend_at(emulator, key) as backend:
        with pytest.raises(BackendDown, match=words_of_it) as refused:
            await backend.open_translator("en-US", ["es-ES"])
        assert key not in str(refused.value) + repr(refused.value) + caplog.text


async def test_a_server_that_hears_nothing_is_given_up(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the connection and the audio, and never answers."""
    monkeypatch.setattr(listening, "UNHEARD_S", 2.0)
    async with talking(emulator, "key-stt-mute-once") as talk:
        await talk.say(recorded(0, 7_400), speed=2)
        await talk.finish()
        assert talk.said == TWO
        assert talk.translated("es-ES") == SPANISH[:2]


async def test_sound_that_nobody_understands_is_let_go_and_told(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A speaker's page stops to send where nothing is acknowledged for a minute."""
    monkeypatch.setattr(listening, "UNHEARD_S", 1.5)
    async with talking(emulator, "key-stt-mute") as talk:
        await talk.say(recorded(0, 24_000), speed=3)
        assert talk.silences[-1] > 15 * 16_000
        [trouble] = talk.troubles
        assert (trouble.code, trouble.message) == ("backend_down", listening.NO_WORDS)
        assert talk.finals == []
    # Two recognisers have listened to all of it.
    assert emulator.state()["opened"]["stt"] == 3


async def test_a_language_missing_from_a_result_is_told_to_be_missing(emulator: Emulator) -> None:
    async with talking(emulator, "key-stt-missing-language-es", targets=["es-ES", "fr-FR"]) as talk:
        await talk.say_two_sentences()
        await talk.finish()
        assert talk.translated("es-ES") == [None, None]
        assert None not in talk.translated("fr-FR")


async def test_languages_come_and_go_while_live(emulator: Emulator) -> None:
    async with talking(emulator, targets=["es-ES"]) as talk:
        await talk.say(recorded(0, 4_000))
        await talk.until(lambda talk: len(talk.finals) == 1)
        await talk.translator.add_language("fr-FR")
        await talk.translator.remove_language("es-ES")
        await emulator.until(lambda state: state["updates"] != [])
        await talk.say(recorded(4_000, 7_400))
        await talk.finish()
        told = [(each.key, each.language) for each in talk.translations]
        assert told == [(1, "es-ES"), (2, "fr-FR")]
    assert emulator.state()["opened"]["stt"] == 1


async def test_a_new_language_that_stays_silent_gets_a_new_connection(emulator: Emulator) -> None:
    async with talking(emulator, "key-stt-ignore-update", targets=["es-ES"]) as talk:
        await talk.say(recorded(0, 4_000))
        await talk.until(lambda talk: len(talk.finals) == 1)
        await talk.translator.add_language("fr-FR")
        await talk.say(recorded(4_000, 12_200))
        await talk.until(lambda talk: len(talk.finals) == 3)
        await talk.say(silence(4_000))
        await talk.say(recorded(12_200, 15_400))
        await talk.finish()
        assert talk.said == [words(text) for text in ENGLISH[:4]]
        french = {each.key: each.text for each in talk.translations if each.language == "fr-FR"}
        assert [french[2], french[3]] == [None, None]
        assert french[4]


async def test_a_connection_that_falls_behind_is_replaced_at_a_silence(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "LAG_WORTH_ROTATING_S", 0.5)
    async with talking(emulator, "key-stt-slow@0.1") as talk:
        await talk.say(recorded(0, 16_000), speed=1.5)
        await talk.until(lambda talk: len(talk.finals) >= 3)
        await talk.say(recorded(16_000, 25_000), speed=1.5)
        await talk.finish()
        assert talk.said == [words(text) for text in ENGLISH[:6]]
        assert talk.translated("es-ES") == SPANISH[:6]
        assert talk.troubles == []
    assert emulator.state()["opened"]["stt"] > 1


async def test_an_old_connection_is_replaced_at_a_silence(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "ROTATE_AFTER_S", 1.0)
    async with talking(emulator) as talk:
        for start, end in ((0, 4_000), (4_000, 7_400), (7_400, 12_000)):
            await talk.say(recorded(start, end), speed=4)
            await talk.say(silence(2_500), speed=4)
        await talk.finish()
        assert talk.said == [words(text) for text in ENGLISH[:3]]
    assert emulator.state()["opened"]["stt"] > 1


async def test_silence_is_acknowledged_and_speech_only_by_its_final(emulator: Emulator) -> None:
    async with talking(emulator) as talk:
        await talk.say(silence(5_000))
        assert talk.silences[-1] >= 4 * 16_000
        acknowledged = talk.silences[-1]
        await talk.say(recorded(0, 4_300))
        await talk.until(lambda talk: len(talk.finals) == 1)
        [final] = talk.finals
        # What was told to be silence did not reach into the phrase.
        assert max([acknowledged, *talk.silences]) <= final.start_sample
        await talk.say(silence(5_000))
        await talk.finish()
        assert talk.silences == sorted(talk.silences)
        assert talk.silences[-1] >= final.end_sample + 3 * 16_000


async def test_the_spoken_language_is_detected_among_the_candidates(emulator: Emulator) -> None:
    async with talking(
        emulator, source=AUTO, candidates=["de-DE", "en-US"], targets=["es-ES", "en-US", "de-DE"]
    ) as talk:
        await talk.say_two_sentences()
        await talk.finish()
        assert [final.source_language for final in talk.finals] == ["en-US", "en-US"]
        assert talk.translated("es-ES") == SPANISH[:2]
        assert None not in talk.translated("de-DE")
        languages = {each.language for each in talk.translations}
        assert languages == {"es-ES", "de-DE"}
    context = stt_contexts(emulator.state())[0]
    assert context["languageId"]["mode"] == "DetectContinuous"
    assert context["languageId"]["languages"] == ["de-DE", "en-US"]


async def test_the_spoken_language_can_change_while_live(emulator: Emulator) -> None:
    async with talking(emulator, targets=["es-ES", "en-US", "de-DE"]) as talk:
        await talk.say(recorded(0, 4_000))
        await talk.translator.set_source_language("de-DE")
        await talk.say(recorded(4_000, 7_400))
        await talk.finish()
        assert [final.source_language for final in talk.finals] == ["en-US", "de-DE"]
        assert words(talk.finals[0].text) == TWO[0]
        told = [(each.key, each.language) for each in talk.translations]
        assert sorted(told) == [(1, "de-DE"), (1, "es-ES"), (2, "en-US"), (2, "es-ES")]
        with pytest.raises(LanguageUnavailable):
            await talk.translator.set_source_language("eo")


@pytest.mark.parametrize("ends_at", [2_500, 3_460, 4_000])
async def test_a_phrase_that_ends_during_the_switch_keeps_its_language(
    emulator: Emulator, ends_at: int
) -> None:
    """In its middle, at its end or in the pause after it, while the service still thinks."""
    async with talking(emulator, "key-stt-slow@0.1", targets=["es-ES", "en-US", "de-DE"]) as talk:
        await talk.say(recorded(0, ends_at))
        await talk.until(lambda talk: talk.partials != [])
        assert talk.finals == []
        await talk.translator.set_source_language("de-DE")
        await talk.translator.add_language("fr-FR")
        await talk.say(silence(1_000))
        await talk.say(recorded(4_000, 7_400))
        await talk.finish()
        assert [final.source_language for final in talk.finals] == ["en-US", "de-DE"]
        assert talk.said[1] == "heute möchte ich ihnen drei dinge mitteilen"
        assert TWO[0].startswith(talk.said[0])
        assert {each.source_language for each in talk.partials if each.start_sample < 56_000} == {
            "en-US"
        }
        told = [(each.key, each.language) for each in talk.translations if each.text]
        assert [told.count(each) for each in told] == [1] * len(told)
        assert set(told) - {(1, "fr-FR")} == {
            (1, "de-DE"),
            (1, "es-ES"),
            (2, "en-US"),
            (2, "es-ES"),
            (2, "fr-FR"),
        }


async def test_hints_pauses_and_profanity_are_told_to_the_service(
    emulator: Emulator, settings: Any
) -> None:
    settings.SPEECH_SEGMENTATION_SILENCE_MS = 700
    settings.SPEECH_PROFANITY = "removed"
    glossary = [GlossaryEntry("Munich", keep=True), GlossaryEntry("quarterly update")]
    async with talking(emulator, glossary=glossary) as talk:
        await talk.say(recorded(0, 1_000))
        await talk.finish()
    context = stt_contexts(emulator.state())[0]
    hints = context["dgi"]["Groups"][0]["Items"]
    assert [each["Text"] for each in hints] == ["Munich", "quarterly update"]
    assert "700" in str(context["phraseDetection"])
    assert "removed" in str(context).lower()


async def test_finals_obey_the_glossary_and_others_ask_nobody(emulator: Emulator) -> None:
    glossary = [
        GlossaryEntry("quarterly update", translations={"es-ES": "parte & trimestral"}),
        GlossaryEntry("things", translations={"fr-FR": "choses"}),
    ]
    async with talking(emulator, targets=["es-ES", "fr-FR"], glossary=glossary) as talk:
        await talk.say_two_sentences()
        await talk.finish()
        [first, second] = talk.translated("es-ES")
        assert first == "[es] Good morning everyone, and welcome to our parte & trimestral."
        assert second == SPANISH[1]
        assert "choses" in (talk.translated("fr-FR")[1] or "")
    assert [each["to"] for each in emulator.state()["translated"]] == [["es"]]


@pytest.mark.parametrize("fault", ["translate-500", "translate-silent"])
async def test_a_final_is_shown_without_the_glossary_where_that_fails(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(translator, "GLOSSARY_WITHIN_S", 0.5)
    glossary = [GlossaryEntry("quarterly update", translations={"es-ES": "parte"})]
    async with talking(emulator, f"key-{fault}", glossary=glossary) as talk:
        await talk.say_two_sentences()
        await talk.finish()
        assert talk.translated("es-ES") == SPANISH[:2]


async def test_tokens_are_renewed_while_live(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second connection needs a token that is still good."""
    monkeypatch.setattr("speech_app.backends.azure.authorization.RENEW_AFTER_S", 1.0)
    emulator.set_limits(token_life_s=2.5)
    async with talking(emulator, "key-stt-close-1011-once@5", use_token=True) as talk:
        await talk.say_two_sentences(speed=1.5)
        await talk.finish()
        assert talk.said == TWO
        assert talk.troubles == []
    state = emulator.state()
    assert state["requests"]["token"] >= 4
    assert state["opened"]["stt"] == 2
    assert state["refusals"] == {}


async def test_trouble_that_lasts_is_told_once(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "RETRY_REFUSED_AFTER_S", 0.2)
    monkeypatch.setattr(listening, "FINISH_WITHIN_S", 0.5)
    async with talking(emulator, "key-stt-close-4429@1") as talk:
        await talk.say(recorded(0, 1_500))
        await emulator.until(lambda state: state["opened"]["stt"] > 3)
        await talk.finish()
        [trouble] = talk.troubles
        assert trouble.code == "backend_down"
        assert "The quota of the Azure Speech resource is used up" in trouble.message


async def test_a_full_stop_in_the_middle_still_brings_what_was_understood(
    emulator: Emulator,
) -> None:
    async with talking(emulator) as talk:
        await talk.say(recorded(0, 2_500))
        await talk.until(lambda talk: talk.partials != [])
        await talk.finish()
        [final] = talk.finals
        assert TWO[0].startswith(words(final.text))
        assert len(talk.translated("es-ES")) == 1


async def test_closing_in_mid_phrase_leaves_no_thread_and_no_socket(emulator: Emulator) -> None:
    before = threads_of_process()
    for _ in range(3):
        async with talking(emulator) as talk:
            await talk.say(recorded(0, 2_000))
            started = time.monotonic()
            await talk.translator.close()
            assert time.monotonic() - started < 1
        await until(lambda: native_threads() == [])
    await emulator.until(lambda state: state["open"] == {})
    # The SDK keeps a few threads of its own for good, however many sessions there are.
    await until(lambda: threads_of_process() <= before + 8)


async def test_the_event_loop_goes_on_while_a_recogniser_cannot_stop(emulator: Emulator) -> None:
    async with backend_at(emulator, "key-stt-no-turn-end") as backend:
        talk = Talk(await backend.open_translator("en-US", ["es-ES"]))
        await talk.say_two_sentences()
        slowest = 0.0

        async def beat() -> None:
            nonlocal slowest
            while True:
                before = time.monotonic()
                await asyncio.sleep(0.01)
                slowest = max(slowest, time.monotonic() - before)

        beating = asyncio.create_task(beat())
        await talk.finish()
        await talk.close()
        await asyncio.sleep(1)
        beating.cancel()
        assert slowest < 1
        assert talk.said == TWO
        assert not any(isinstance(event, Trouble) for event in talk.events)
