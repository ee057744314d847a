"""One language of one live session: its captions and its voice, in the order things were said."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from sessions_app import metrics
from sessions_app.broadcast import publish_final, publish_speech
from sessions_app.messages import FinalCaption, SpeechHeader
from sessions_app.models.transcript import Superseded
from speech_app.backends.base import (
    BackendError,
    GlossaryEntry,
    LanguageUnavailable,
    Synthesizer,
    TextTranslator,
)

logger = logging.getLogger(__name__)

TRANSLATION_WITHIN_S = 20.0
SPEECH_WITHIN_S = 20.0
MEND_AFTER_S = (5.0, 10.0, 20.0, 40.0, 60.0)
"""Pauses before a failed translation is tried again; the last one repeats."""

NORMAL_BACKLOG_S = 2.0
LARGE_BACKLOG_S = 6.0
SECONDS_PER_CHARACTER = 0.065
"""Of embedded and neural voices at their own rate, Spanish and English; for the backlog only."""


def rate_for(backlog_s: float) -> float:
    """How fast the voice should speak: 1.0 up to 2 s behind, 1.15 at 6 s, 1.25 beyond."""
    if backlog_s <= NORMAL_BACKLOG_S:
        return 1.0
    if backlog_s <= LARGE_BACKLOG_S:
        return 1 + 0.15 * (backlog_s - NORMAL_BACKLOG_S) / (LARGE_BACKLOG_S - NORMAL_BACKLOG_S)
    return 1.25


@dataclass(frozen=True, slots=True)
class Said:
    """A stored segment, waiting for its text in this line's language.

    `ended_at` is when its last audio came, as `time.monotonic()` says it; None in an earlier run.
    """

    segment: int
    number: int
    source_language: str
    text: str
    speak: bool = True
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class LineTools:
    """What a line works with, the same for every language of a session.

    `store(segment id, language, text, ms)` stores a text that was there so long after its phrase,
    and returns the caption, None where an operator still has it in their hands. Then
    `release(segment id, language)` waits for them and returns it, None where they dropped it.
    `heard(language)` says how many hear a voice; `told(caption)` is called for each caption that is
    shown, `lost()` where the session is no longer ours; `spoken(caption, ms)` counts what a voice
    has said and how long after its phrase; `failed(text)` notes a failure in words, in which
    `name(language)` is what people call a language.
    """

    store: Callable[[int, str, str | None, int | None], Awaitable[FinalCaption | None]]
    release: Callable[[int, str], Awaitable[FinalCaption | None]]
    heard: Callable[[str], int]
    told: Callable[[FinalCaption], None]
    lost: Callable[[], None]
    spoken: Callable[[FinalCaption, int | None], Awaitable[None]]
    failed: Callable[[str], None]
    name: Callable[[str], str]
    synthesizer: Synthesizer
    translator: TextTranslator
    glossary: Sequence[GlossaryEntry]


class LanguageLine:
    """Stores, publishes and voices each segment in one language; slow ones delay only this line."""

    def __init__(self, language: str, voice: str, tools: LineTools) -> None:
        self.language = language
        self._voice = voice
        self._tools = tools
        self._expected: asyncio.Queue[tuple[Said, asyncio.Future[str | None]]] = asyncio.Queue()
        self._held: asyncio.Queue[tuple[Said, float]] = asyncio.Queue()
        self._holding = 0
        self._to_say: asyncio.Queue[tuple[FinalCaption, float | None]] = asyncio.Queue()
        self._to_say_characters = 0
        self._failed: dict[int, Said] = {}
        self._mending: asyncio.Task[None] | None = None
        self._free_at = 0.0
        self._newest_s = 0.0
        self._tasks = [
            asyncio.create_task(task())
            for task in (self._caption, self._show_held, self._voice_all)
        ]

    @property
    def backlog_s(self) -> float:
        """How long from now until what was said last begins to be heard."""
        ahead = self._playing_s + self._to_say_characters * SECONDS_PER_CHARACTER
        return max(0.0, ahead - self._newest_s)

    @property
    def _playing_s(self) -> float:
        return max(0.0, self._free_at - time.monotonic())

    def expect(
        self, said: Said, text: asyncio.Future[str | None] | None = None
    ) -> asyncio.Future[str | None]:
        """Take the next segment; its text is what becomes of the future (None: it failed)."""
        text = text or asyncio.get_running_loop().create_future()
        self._expected.put_nowait((said, text))
        return text

    def expect_translation(self, said: Said) -> None:
        """Take the next segment and translate it here: the rest of an earlier run."""
        self._expected.put_nowait((said, asyncio.ensure_future(self._translate(said))))

    async def drain(self, *, held: bool = True) -> None:
        """Wait until everything expected is stored, published and voiced.

        That takes as long as an operator still holds any of it; with `held` false, such captions
        are left to whoever interprets the session next.
        """
        await self._expected.join()
        if held:
            await self._held.join()
        await self._to_say.join()
        if self._mending:
            self._mending.cancel()
        with contextlib.suppress(Superseded):
            await self._mend_each()

    async def close(self) -> None:
        tasks = [*self._tasks, *([self._mending] if self._mending else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # What an earlier run left is translated all at once, long before its turn.
        texts = [self._expected.get_nowait()[1] for _ in range(self._expected.qsize())]
        for text in texts:
            text.cancel()
        await asyncio.gather(*texts, return_exceptions=True)

    async def _caption(self) -> None:
        while True:
            said, future = await self._expected.get()
            try:
                text: str | None = None
                with contextlib.suppress(TimeoutError):
                    text = await asyncio.wait_for(future, TRANSLATION_WITHIN_S)
                await self._finish(said, text, speak=said.speak)
                if text is None:
                    metrics.count_backend_error("translation")
                    name = self._tools.name(self.language)
                    self._tools.failed(f"A sentence could not be translated into {name} at first.")
                    self._failed[said.number] = said
                    if self._mending is None:
                        self._mending = asyncio.create_task(self._mend())
            except Superseded:
                self._tools.lost()
            except Exception:
                # The next sentence may fare better; a resumed session finds what is missing.
                logger.exception("Segment %s has no caption in %s", said.number, self.language)
            finally:
                self._expected.task_done()

    async def _finish(self, said: Said, text: str | None, *, speak: bool) -> None:
        """Store a text, and show it unless an operator has it, or one before it, in their hands."""
        came_at = time.monotonic()
        taken_ms = None
        if text is not None and said.ended_at is not None:
            taken_ms = _ms(came_at - said.ended_at)
        caption = await self._tools.store(said.segment, self.language, text, taken_ms)
        said = replace(said, speak=speak)
        if caption is None or self._holding:
            self._holding += 1
            self._held.put_nowait((said, came_at))
        else:
            await self._show(said, caption, held_s=0.0)

    async def _show_held(self) -> None:
        while True:
            said, since = await self._held.get()
            try:
                caption = await self._tools.release(said.segment, self.language)
                if caption:
                    await self._show(said, caption, held_s=time.monotonic() - since)
            except Superseded:
                self._tools.lost()
            except Exception:
                # Whichever process next looks for what is overdue shows it.
                logger.exception("Segment %s is not shown in %s", said.number, self.language)
            finally:
                self._holding -= 1
                self._held.task_done()

    async def _show(self, said: Said, caption: FinalCaption, *, held_s: float) -> None:
        await publish_final(caption)
        # Whoever holds a sentence for others is not what the speech service is slow at.
        ended_at = None if said.ended_at is None else said.ended_at + held_s
        if caption.text is not None and ended_at is not None:
            metrics.observe_caption_delay(time.monotonic() - ended_at)
        self._tools.told(caption)
        if said.speak and caption.text and self._voice and self._tools.heard(self.language):
            self._to_say_characters += len(caption.text)
            self._newest_s = len(caption.text) * SECONDS_PER_CHARACTER
            self._to_say.put_nowait((caption, ended_at))

    async def _translate(self, said: Said) -> str | None:
        try:
            return await self._tools.translator.translate(
                said.text, said.source_language, self.language, self._tools.glossary
            )
        except BackendError:
            return None

    async def _mend(self) -> None:
        tries = 0
        while self._failed:
            await asyncio.sleep(MEND_AFTER_S[min(tries, len(MEND_AFTER_S) - 1)])
            tries += 1
            try:
                await self._mend_once()
            except BackendError:
                metrics.count_backend_error("translation")
                continue
            except Superseded:
                self._tools.lost()
                return
        self._mending = None

    async def _mend_once(self) -> None:
        """Translate again what failed; a caption that old is not voiced. Raises BackendError."""
        for said in list(self._failed.values()):
            try:
                text = await self._tools.translator.translate(
                    said.text, said.source_language, self.language, self._tools.glossary
                )
            except LanguageUnavailable:  # which trying again cannot change
                self._failed.clear()
                return
            except BackendError:
                # It may be this sentence: the next time another one comes first.
                self._failed[said.number] = self._failed.pop(said.number)
                raise
            await self._finish(said, text, speak=False)
            del self._failed[said.number]

    async def _mend_each(self) -> None:
        """Give each of what failed a last try, all at once: the session waits for it to end."""
        failed = list(self._failed.values())
        texts = await asyncio.gather(*map(self._translate, failed))
        for said, text in zip(failed, texts, strict=True):
            if text is not None:
                await self._finish(said, text, speak=False)
                del self._failed[said.number]

    async def _voice_all(self) -> None:
        while True:
            caption, ended_at = await self._to_say.get()
            try:
                await self._speak(caption, ended_at)
            except (BackendError, TimeoutError) as error:
                metrics.count_backend_error("speech")
                logger.warning("No speech in %s: %s", self.language, error)
                name = self._tools.name(self.language)
                self._tools.failed(f"A sentence was not spoken in {name}. {error}".strip())
            except Exception:
                logger.exception("No speech in %s", self.language)
            finally:
                self._to_say_characters -= len(caption.text or "")
                self._to_say.task_done()

    async def _speak(self, caption: FinalCaption, ended_at: float | None) -> None:
        if not caption.text or not self._tools.heard(self.language):
            return
        waiting = self._to_say_characters - len(caption.text)
        speech = await asyncio.wait_for(
            self._tools.synthesizer.synthesize(
                caption.text,
                self.language,
                self._voice,
                rate_for(self._playing_s + waiting * SECONDS_PER_CHARACTER),
                self._tools.glossary,
            ),
            SPEECH_WITHIN_S,
        )
        header = SpeechHeader(
            session=caption.session,
            language=caption.language,
            segment=caption.segment,
            seq=caption.seq,
            mime=speech.mime,
            duration_ms=speech.duration_ms,
            visemes=[(viseme.offset_ms, viseme.viseme) for viseme in speech.visemes],
        )
        await publish_speech(header, speech.audio)
        taken_s = None if ended_at is None else time.monotonic() - ended_at
        if taken_s is not None:
            metrics.observe_speech_delay(taken_s)
        duration_s = speech.duration_ms / 1000
        self._free_at = max(time.monotonic(), self._free_at) + duration_s
        if not waiting:
            self._newest_s = duration_s
        await self._tools.spoken(caption, None if taken_s is None else _ms(taken_s))


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
