"""One live speaker: recognition and all target languages together."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from speech_app.backends.base import (
    BackendError,
    Final,
    GlossaryEntry,
    LanguageUnavailable,
    Partial,
    Silence,
    SpeechEvent,
    TextTranslator,
    Translated,
    Trouble,
    same_language,
)

from .recognition import Lost, Recognition, RecognitionStream
from .recognition_messages import Finished, Heard, Hearing, Quiet, Result
from .slots import Slot

logger = logging.getLogger(__name__)

WARM_UP = "Our cat sleeps."
"""Nothing that a phrase memory would render without starting the translation."""
PARTIAL_PATIENCE_SECONDS = 0.15
"""A partial waits so long for its translations; a slower language joins a later partial."""

Translate = Callable[[str, str, str], Awaitable[str]]
"""Text, source and target language to text."""


class _TargetLanguage:
    """One target language, which no other waits for: finals in order, one partial under way."""

    def __init__(
        self, language: str, source: str, translate: Translate, emit: Callable[[SpeechEvent], None]
    ) -> None:
        self.language = language
        self._source = source
        self._translate = translate
        self._emit = emit
        self._failing = False
        self._finals: asyncio.Queue[Final] = asyncio.Queue()
        self._finals_task = asyncio.create_task(self._translate_finals())
        self._partial: asyncio.Task[str] | None = None
        self._partial_start = -1

    def add_final(self, final: Final) -> None:
        """Translate it after those before it and emit `Translated`."""
        self._finals.put_nowait(final)

    async def drained(self) -> None:
        """Wait until every final is translated."""
        await self._finals.join()

    def begin_partial(self, start: int, text: str, source: str) -> asyncio.Task[str]:
        """Translate a partial, unless the one before still takes its time: that one then."""
        if self._partial is None:
            self._partial_start = start
            self._partial = asyncio.create_task(self._partial_text(text, source))
        return self._partial

    def end_partial(self, start: int) -> str | None:
        """The translation that is there now, if it belongs to the phrase that began at `start`."""
        if self._partial is None or not self._partial.done():
            return None
        task, self._partial = self._partial, None
        return task.result() if self._partial_start == start and task.result() else None

    async def close(self) -> None:
        """Stop translating."""
        for task in (self._finals_task, self._partial):
            if task:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _partial_text(self, text: str, source: str) -> str:
        try:
            return await self._translate(text, source, self.language)
        except BackendError:
            # The final will fail in the same way, and says so.
            return ""

    async def _translate_finals(self) -> None:
        with contextlib.suppress(BackendError):
            # The pipes take a second to start; the first sentence should find them running.
            await self._translate(WARM_UP, self._source, self.language)
        while True:
            final = await self._finals.get()
            self._emit(Translated(final.key, self.language, await self._final_text(final)))
            self._finals.task_done()

    async def _final_text(self, final: Final) -> str | None:
        try:
            text = await self._translate(final.text, final.source_language, self.language)
        except BackendError as error:
            self._report(
                "language_unavailable"
                if isinstance(error, LanguageUnavailable)
                else "backend_down",
                str(error),
            )
            return None
        except Exception:
            logger.exception("translation into %s failed", self.language)
            self._report("internal", "This sentence could not be translated.")
            return None
        self._failing = False
        return text

    def _report(self, code: str, message: str) -> None:
        """Tell once, until it works again."""
        if not self._failing:
            self._emit(Trouble(code, message, self.language))
        self._failing = True


class EmbeddedSpeechTranslator:
    """`SpeechTranslator` on the recognition worker and a text translator."""

    def __init__(
        self,
        source: str,
        glossary: Sequence[GlossaryEntry],
        text_translator: TextTranslator,
        *,
        slot: Slot,
        check_source: Callable[[str], None],
        check_target: Callable[[str, str], None],
    ) -> None:
        self._source = source
        self._glossary = glossary
        self._text_translator = text_translator
        self._slot = slot
        self._check_source = check_source
        self._check_target = check_target
        self._events: asyncio.Queue[SpeechEvent | None] = asyncio.Queue()
        self._languages: dict[str, _TargetLanguage] = {}
        self._keys = itertools.count(1)
        self._hearing: Hearing | None = None
        self._hearing_changed = asyncio.Event()
        self._partials: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._stream: RecognitionStream | None = None
        self._finishing = False

    async def open(self, recognition: Recognition, targets: Sequence[str]) -> None:
        """Begin to listen. A target without a way is no failure but a `Trouble` at its first final.

        Raises BackendDown.
        """
        self._stream = await recognition.open(self._on_result)
        for language in targets:
            self._add(language)
        self._partials = asyncio.create_task(self._emit_partials())

    def feed(self, pcm: bytes) -> None:
        """Take 1–1000 ms of audio. Never blocks, never fails."""
        if self._stream and not self._finishing:
            self._stream.feed(pcm)

    async def events(self) -> AsyncIterator[SpeechEvent]:
        """Everything heard, in order of recognition; ends after `finish` or `close`."""
        while (event := await self._events.get()) is not None:
            yield event
        # Whoever asks again also sees the end.
        self._events.put_nowait(None)

    async def add_language(self, language: str) -> None:
        """Translate into this language from the next final on. Raises LanguageUnavailable."""
        self._check_target(self._source, language)
        self._add(language)

    async def remove_language(self, language: str) -> None:
        """Stop translating into this language."""
        removed = self._languages.pop(language, None)
        if removed:
            await removed.close()

    async def set_source_language(self, language: str) -> None:
        """What is spoken from here on. Raises LanguageUnavailable."""
        self._check_source(language)
        self._source = language

    async def finish(self) -> None:
        """Finish and emit what was said so far, then end the events."""
        if self._stream and not self._finishing:
            self._finishing = True
            self._stream.finish()

    async def close(self) -> None:
        """End now; frees the slot. May be called twice."""
        self._finishing = True
        if self._stream:
            self._stream.close()
            self._stream = None
        for task in (self._partials, self._ending):
            if task:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        languages = list(self._languages.values())
        self._languages.clear()
        for language in languages:
            await language.close()
        self._slot.release()
        self._events.put_nowait(None)

    def _add(self, language: str) -> None:
        if language not in self._languages:
            self._languages[language] = _TargetLanguage(
                language, self._source, self._translate, self._events.put_nowait
            )

    async def _translate(self, text: str, source: str, target: str) -> str:
        return await self._text_translator.translate(text, source, target, self._glossary)

    def _on_result(self, result: Result | Lost) -> None:
        match result:
            case Hearing():
                self._hearing = result
                self._hearing_changed.set()
            case Heard(_, start, end, text, confidence) if text:
                self._hearing = None
                final = Final(next(self._keys), start, end, self._source, text, confidence)
                self._events.put_nowait(final)
                for language in self._targets():
                    language.add_final(final)
            case Heard(end=end):
                self._hearing = None
                self._events.put_nowait(Silence(end))
            case Quiet(_, until):
                self._events.put_nowait(Silence(until))
            case Finished():
                self._ending = asyncio.create_task(self._end())
            case Lost():
                self._hearing = None
                message = "Speech recognition failed; the last words could not be understood."
                self._events.put_nowait(Trouble("backend_down", message))

    def _targets(self) -> list[_TargetLanguage]:
        return [
            target
            for target in self._languages.values()
            if not same_language(target.language, self._source)
        ]

    async def _end(self) -> None:
        for language in list(self._languages.values()):
            await language.drained()
        self._events.put_nowait(None)

    async def _emit_partials(self) -> None:
        while True:
            await self._hearing_changed.wait()
            self._hearing_changed.clear()
            hearing = self._hearing
            if hearing is None:
                continue
            languages = self._targets()
            tasks = [
                language.begin_partial(hearing.start, hearing.text, self._source)
                for language in languages
            ]
            if tasks:
                await asyncio.wait(tasks, timeout=PARTIAL_PATIENCE_SECONDS)
            found = {lang.language: lang.end_partial(hearing.start) for lang in languages}
            if self._hearing is None or self._hearing.start != hearing.start:
                continue
            translations = {language: text for language, text in found.items() if text is not None}
            self._events.put_nowait(
                Partial(hearing.start, self._source, hearing.text, translations)
            )
