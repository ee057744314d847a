"""One language of a session: order, failure and the voice's pace.

The translator and the voice are stood in for, since what is tested is what their failures do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import pytest

from sessions_app.messages import FinalCaption
from sessions_app.models.transcript import Superseded
from speech_app import language_line
from speech_app.backends.base import BackendDown, GlossaryEntry, LanguageUnavailable, Speech, Viseme
from speech_app.language_line import LanguageLine, LineTools, Said, rate_for


@pytest.mark.parametrize(
    ("backlog_s", "rate"),
    [(0.0, 1.0), (2.0, 1.0), (4.0, 1.075), (6.0, 1.15), (6.1, 1.25), (60.0, 1.25)],
)
def test_the_voice_hurries_when_it_falls_behind(backlog_s: float, rate: float) -> None:
    assert rate_for(backlog_s) == pytest.approx(rate)


@dataclass
class Room:
    """What a line works with; `stored` and `voiced` are what came out of it."""

    stored: list[tuple[int, str | None]] = field(default_factory=list)
    told: list[tuple[int, str | None]] = field(default_factory=list)
    voiced: list[str] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    lost: int = 0
    with_sound: int = 1
    spoken_characters: int = 0
    store_fails: dict[int, Exception] = field(default_factory=dict)
    voice_fails: dict[str, Exception] = field(default_factory=dict)
    translations: dict[str, list[str | Exception]] = field(default_factory=dict)
    voice_ms: int = 100
    held: dict[int, asyncio.Future[str | None]] = field(default_factory=dict)
    taken_ms: list[int | None] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    async def store(
        self, segment: int, language: str, text: str | None, taken_ms: int | None
    ) -> FinalCaption | None:
        if segment in self.store_fails:
            raise self.store_fails[segment]
        self.stored.append((segment, text))
        self.taken_ms.append(taken_ms)
        return None if segment in self.held else self.caption(segment, language, text)

    async def release(self, segment: int, language: str) -> FinalCaption | None:
        """A held caption as its operator lets it go; None where they dropped it."""
        if segment not in self.held:
            return self.caption(segment, language, dict(self.stored)[segment])
        text = await self.held[segment]
        return None if text is None else self.caption(segment, language, text)

    def caption(self, segment: int, language: str, text: str | None) -> FinalCaption:
        return FinalCaption(
            session=1,
            language=language,
            segment=segment,
            seq=len(self.stored),
            text=text,
            source=f"text {segment}",
            source_language="en-US",
            start_ms=0,
            end_ms=1,
            corrected=False,
        )

    async def translate(
        self, text: str, source: str, target: str, glossary: Sequence[GlossaryEntry] = ()
    ) -> str:
        answer = self.translations[text].pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def synthesize(
        self,
        text: str,
        language: str,
        voice: str,
        rate: float = 1.0,
        glossary: Sequence[GlossaryEntry] = (),
    ) -> Speech:
        if text in self.voice_fails:
            raise self.voice_fails[text]
        self.voiced.append(text)
        self.rates.append(rate)
        return Speech(b"mp3", "audio/mpeg", self.voice_ms, [Viseme(0, 0)])

    def tools(self) -> LineTools:
        def lost() -> None:
            self.lost += 1

        async def spoken(caption: FinalCaption, taken_ms: int | None) -> None:
            self.spoken_characters += len(caption.text or "")

        return LineTools(
            store=self.store,
            release=self.release,
            heard=lambda language: self.with_sound,
            told=lambda caption: self.told.append((caption.segment, caption.text)),
            lost=lost,
            spoken=spoken,
            failed=self.failures.append,
            name={"es-ES": "Spanish"}.__getitem__,
            synthesizer=self,
            translator=self,
            glossary=(),
        )


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
async def line(room: Room) -> AsyncIterator[LanguageLine]:
    line = LanguageLine("es-ES", "es", room.tools())
    yield line
    await line.close()


def said(number: int, *, speak: bool = True) -> Said:
    return Said(number, number, "en-US", f"text {number}", speak=speak)


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


async def test_captions_and_speech_keep_the_order_of_what_was_said(
    room: Room, line: LanguageLine
) -> None:
    futures = [line.expect(said(number)) for number in (1, 2, 3)]
    for number in (3, 1, 2):
        futures[number - 1].set_result(f"texto {number}")
    await line.drain()
    texts = [f"texto {number}" for number in (1, 2, 3)]
    assert room.stored == room.told == list(enumerate(texts, start=1))
    assert room.voiced == texts


async def test_nothing_is_voiced_for_nobody(room: Room, line: LanguageLine) -> None:
    room.with_sound = 0
    line.expect(said(1)).set_result("uno")
    await until(lambda: len(room.told) == 1)
    room.with_sound = 1
    line.expect(said(2)).set_result("dos")
    await line.drain()
    assert (room.voiced, len(room.stored)) == (["dos"], 2)


async def test_what_an_earlier_run_left_long_ago_is_shown_and_not_voiced(
    room: Room, line: LanguageLine
) -> None:
    room.translations = {"text 1": ["uno"], "text 2": ["dos"]}
    line.expect_translation(said(1, speak=False))
    line.expect_translation(said(2))
    await line.drain()
    assert (room.stored, room.voiced) == ([(1, "uno"), (2, "dos")], ["dos"])


async def test_a_failed_translation_is_mended_later_and_then_not_voiced(
    room: Room, line: LanguageLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language_line, "MEND_AFTER_S", (0.001,))
    room.translations = {"text 1": [BackendDown("away"), BackendDown("away"), "uno"]}
    line.expect(said(1)).set_result(None)
    line.expect(said(2)).set_result("dos")
    await until(lambda: len(room.told) == 3)
    assert room.stored == [(1, None), (2, "dos"), (1, "uno")]
    await line.drain()
    assert room.voiced == ["dos"]


async def test_what_cannot_be_translated_is_not_tried_for_ever(
    room: Room, line: LanguageLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language_line, "MEND_AFTER_S", (0.001,))
    room.translations = {"text 1": [LanguageUnavailable("no way"), "never asked for"]}
    line.expect(said(1)).set_result(None)
    await until(lambda: room.translations["text 1"] == ["never asked for"])
    line.expect(said(2)).set_result("dos")
    await line.drain()
    assert room.stored == [(1, None), (2, "dos")]


@pytest.mark.parametrize("error", [BackendDown("the voice died"), TimeoutError(), ValueError("?")])
async def test_a_voice_that_fails_costs_one_sentence(
    room: Room, line: LanguageLine, error: Exception
) -> None:
    room.voice_fails = {"uno": error}
    line.expect(said(1)).set_result("uno")
    line.expect(said(2)).set_result("dos")
    await line.drain()
    assert (room.stored, room.voiced) == ([(1, "uno"), (2, "dos")], ["dos"])


async def test_a_caption_that_cannot_be_stored_costs_one_caption(
    room: Room, line: LanguageLine
) -> None:
    room.store_fails = {1: ValueError("somebody deleted the segment")}
    line.expect(said(1)).set_result("uno")
    line.expect(said(2)).set_result("dos")
    await line.drain()
    assert (room.stored, room.lost) == ([(2, "dos")], 0)


async def test_a_session_that_is_no_longer_ours_is_given_up(room: Room, line: LanguageLine) -> None:
    room.store_fails = {1: Superseded()}
    line.expect(said(1)).set_result("uno")
    await line.drain()
    assert (room.stored, room.lost) == ([], 1)


async def test_a_long_backlog_is_spoken_faster(room: Room, line: LanguageLine) -> None:
    room.voice_ms = 5_000
    for number in range(1, 5):
        line.expect(said(number)).set_result("una frase")
    await line.drain()
    assert room.rates[0] == 1.0
    assert room.rates == sorted(room.rates)
    assert room.rates[-1] == 1.25
    assert line.backlog_s == pytest.approx(15, abs=1)


async def test_held_captions_wait_and_keep_the_order_and_dropped_ones_never_come(
    room: Room, line: LanguageLine
) -> None:
    loop = asyncio.get_running_loop()
    room.held = {1: loop.create_future(), 2: loop.create_future()}
    for number, text in enumerate(["uno", "dos", "tres"], start=1):
        line.expect(said(number)).set_result(text)
    # All are stored at once, for the operator; the third waits behind the two that are held.
    await until(lambda: len(room.stored) == 3)
    assert (room.told, room.voiced) == ([], [])
    room.held[1].set_result("uno, corregido")
    await until(lambda: len(room.voiced) == 1)
    room.held[2].set_result(None)
    await line.drain()
    assert room.told == [(1, "uno, corregido"), (3, "tres")]
    assert room.voiced == ["uno, corregido", "tres"]


async def test_what_fails_is_noted_in_words(room: Room, line: LanguageLine) -> None:
    room.translations = {"text 1": [BackendDown("away")]}
    room.voice_fails = {"dos": BackendDown("The voice died.")}
    line.expect(said(1)).set_result(None)
    line.expect(said(2)).set_result("dos")
    await line.drain()
    assert room.failures == [
        "A sentence could not be translated into Spanish at first.",
        "A sentence was not spoken in Spanish. The voice died.",
    ]


async def test_what_is_still_being_translated_when_a_line_closes_goes_on_for_nobody(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def translate(*_: object) -> str:
        await asyncio.sleep(3600)
        raise AssertionError

    monkeypatch.setattr(room, "translate", translate)
    before = asyncio.all_tasks()
    line = LanguageLine("es-ES", "es", room.tools())
    for number in (1, 2, 3):
        line.expect_translation(said(number))
    await asyncio.sleep(0)
    await line.close()
    assert asyncio.all_tasks() == before


async def test_a_sentence_that_cannot_be_translated_keeps_no_other_from_it(
    room: Room, line: LanguageLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language_line, "MEND_AFTER_S", (0.01,))
    room.translations = {
        "text 1": [BackendDown("it crashes") for _ in range(1000)],
        "text 2": ["dos"],
    }
    for number in (1, 2):
        line.expect(said(number)).set_result(None)
    await until(lambda: (2, "dos") in room.told)


async def test_at_the_end_each_failed_translation_has_one_more_try(
    room: Room, line: LanguageLine
) -> None:
    room.translations = {
        "text 1": [BackendDown("it crashes"), "never asked for"],
        "text 2": ["dos"],
        "text 3": [BackendDown("it crashes")],
        "text 4": ["cuatro"],
    }
    for number in (1, 2, 3, 4):
        line.expect(said(number)).set_result(None)
    await line.drain()
    assert room.stored[4:] == [(2, "dos"), (4, "cuatro")]
    assert room.translations["text 1"] == ["never asked for"]
    assert room.voiced == []
