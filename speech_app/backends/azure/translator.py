"""One live speaker: recognition with every target language, on Azure Speech."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from speech_app.backends.base import (
    AUTO,
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
from speech_app.backends.glossary import renderings_in, term_key, terms_pattern

from .listening import Listening
from .recogniser import Heard, Request
from .tables import MOST_CANDIDATES, SOURCE_LANGUAGES, translation_code

MOST_PHRASES = 500
"""Hints the service takes note of (its documentation)."""
GLOSSARY_WITHIN_S = 2.0
"""A final waits so long for the translation that obeys the glossary; then the plain one it is."""
SILENT_FINALS = 2
"""Finals without a language that was added while live: then a new recogniser is to have it.
The service is reported not to hear of it in a connection that was silent (sdk-js issue 821)."""


class AzureSpeechTranslator:
    """`SpeechTranslator` on one continuous recognition."""

    def __init__(
        self,
        source: str,
        targets: Sequence[str],
        glossary: Sequence[GlossaryEntry],
        candidates: Sequence[str],
        *,
        text_translator: TextTranslator,
        listen: Callable[[Request, Callable[[Heard | Silence | Trouble], None]], Listening],
    ) -> None:
        """Raises LanguageUnavailable."""
        self._targets = list(dict.fromkeys(targets))
        self._glossary = glossary
        self._candidates = candidates
        self._text_translator = text_translator
        self._listening = listen(self._request_for(source), self._take)
        self._events: asyncio.Queue[SpeechEvent | None] = asyncio.Queue()
        self._keys = itertools.count(1)
        self._silent_finals: dict[str, int] = {}
        self._translating: set[asyncio.Task[None]] = set()
        self._switching: asyncio.Task[None] | None = None
        self._ended = False

    async def open(self) -> None:
        """Begin to listen. Raises BackendDown in plain words; close it then."""
        await self._listening.open()

    def feed(self, pcm: bytes) -> None:
        """Take 1–1000 ms of audio. Never blocks, never fails."""
        if not self._ended:
            self._listening.feed(pcm)

    async def events(self) -> AsyncIterator[SpeechEvent]:
        """Everything heard, in order of recognition; ends after `finish` or `close`."""
        while (event := await self._events.get()) is not None:
            yield event
        # Whoever asks again also sees the end.
        self._events.put_nowait(None)

    async def add_language(self, language: str) -> None:
        """Translate into this language from the next final on. Raises LanguageUnavailable."""
        if language not in self._targets:
            self._targets.append(language)
            self._silent_finals[language] = 0
            self._translate_anew()

    async def remove_language(self, language: str) -> None:
        """Stop translating into this language."""
        if language in self._targets:
            self._targets.remove(language)
            self._silent_finals.pop(language, None)
            self._translate_anew()

    async def set_source_language(self, language: str) -> None:
        """What is spoken from here on. Raises LanguageUnavailable."""
        request = self._request_for(language)
        before = self._switching
        self._switching = asyncio.create_task(self._switch(before, request))

    async def finish(self) -> None:
        """Finish and emit what was said so far, then end the events."""
        if self._ended:
            return
        self._ended = True
        if self._switching:
            await asyncio.wait([self._switching])
        await self._listening.finish()
        if self._translating:
            await asyncio.wait(list(self._translating))
        self._events.put_nowait(None)

    async def close(self) -> None:
        """End now; recognisers stop in the background. May be called twice."""
        self._ended = True
        self._listening.close()
        tasks = [*self._translating, *([self._switching] if self._switching else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._events.put_nowait(None)

    async def _switch(self, before: asyncio.Task[None] | None, request: Request) -> None:
        if before:
            await asyncio.wait([before])
        await self._listening.drain()
        # Languages may have come and gone while the last phrase was finished.
        self._listening.recognise(replace(request, targets=self._codes(request.source)))

    def _request_for(self, source: str) -> Request:
        """Raises LanguageUnavailable."""
        spoken = [source] if source != AUTO else list(self._candidates)[:MOST_CANDIDATES]
        for language in spoken:
            if language not in SOURCE_LANGUAGES:
                raise LanguageUnavailable(f"Azure Speech cannot recognise {language} here.")
        if not spoken:
            raise LanguageUnavailable("It is not known which languages may be spoken.")
        if len(spoken) == 1:
            [source] = spoken
        return Request(
            source=source,
            candidates=spoken if source == AUTO else (),
            targets=self._codes(source),
            phrases=[entry.term for entry in self._glossary if entry.term.strip()][:MOST_PHRASES],
        )

    def _translate_anew(self) -> None:
        self._listening.translate_into(self._codes(self._listening.source))

    def _codes(self, source: str) -> Sequence[str]:
        """The service's codes of what to translate into; it refuses to translate into nothing."""
        wanted = [t for t in self._targets if source == AUTO or not same_language(t, source)]
        codes = list(dict.fromkeys(map(translation_code, wanted)))
        return codes or [translation_code("en-US" if source != "en-US" else "es-ES")]

    # What is heard

    def _take(self, heard: Heard | Silence | Trouble) -> None:
        if not isinstance(heard, Heard):
            self._events.put_nowait(heard)
            return
        targets = [target for target in self._targets if not same_language(target, heard.language)]
        if heard.final:
            self._finish_phrase(heard, targets)
            return
        texts = {target: self._translation(heard, target) for target in targets}
        self._events.put_nowait(
            Partial(
                heard.start,
                heard.language,
                heard.text,
                {target: text for target, text in texts.items() if text},
            )
        )

    def _finish_phrase(self, heard: Heard, targets: Sequence[str]) -> None:
        final = Final(next(self._keys), heard.start, heard.end, heard.language, heard.text)
        self._events.put_nowait(final)
        for target in targets:
            text = self._translation(heard, target)
            self._notice_silence_in(target, text)
            if text and self._disobeys_glossary(heard.text, text, target):
                task = asyncio.create_task(self._translate_with_glossary(final, target, text))
                self._translating.add(task)
                task.add_done_callback(self._translating.discard)
            else:
                self._events.put_nowait(Translated(final.key, target, text))

    @staticmethod
    def _translation(heard: Heard, target: str) -> str | None:
        return heard.translations.get(translation_code(target).lower(), "").strip() or None

    def _notice_silence_in(self, target: str, text: str | None) -> None:
        if target not in self._silent_finals:
            return
        if text:
            del self._silent_finals[target]
            return
        self._silent_finals[target] += 1
        if self._silent_finals[target] == SILENT_FINALS:
            self._listening.rotate_at_silence()

    # The glossary, which the service's speech translation knows nothing of

    def _disobeys_glossary(self, source: str, text: str, target: str) -> bool:
        """Whether a term was said that the translation does not write as it is to be written."""
        renderings = {
            term_key(term): rendering
            for term, rendering in renderings_in(target, self._glossary).items()
            if term.strip()
        }
        if not renderings:
            return False
        said = {term_key(found) for found in terms_pattern(renderings).findall(source)}
        return any(renderings[term] not in text for term in said)

    async def _translate_with_glossary(self, final: Final, target: str, plain: str) -> None:
        text = plain
        with contextlib.suppress(BackendError, TimeoutError):
            text = await asyncio.wait_for(
                self._text_translator.translate(
                    final.text, final.source_language, target, self._glossary
                ),
                GLOSSARY_WITHIN_S,
            )
        self._events.put_nowait(Translated(final.key, target, text))
