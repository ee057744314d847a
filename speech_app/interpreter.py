"""The running pipeline of one live session: audio in, segments, captions and speech out.

It knows no sockets: it publishes to listeners, and tells its speaker through `tell`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar, ParamSpec, TypeVar
from weakref import WeakSet

from django.utils import timezone

from sessions_app import holding, metrics
from sessions_app.broadcast import publish_partial, publish_told
from sessions_app.database import in_database, persist
from sessions_app.messages import (
    Ack,
    FinalCaption,
    Lag,
    Message,
    PartialCaption,
    Problem,
    SpeakerCaption,
)
from sessions_app.models import CaptionStream, LiveSession, Segment, Translation
from sessions_app.models.audience import Heard
from sessions_app.models.transcript import Superseded
from speech_app.backends.base import (
    SAMPLE_RATE,
    Backend,
    Final,
    Partial,
    Silence,
    SpeechEvent,
    SpeechTranslator,
    Translated,
    Trouble,
    same_language,
)
from speech_app.following import Orders
from speech_app.frames import FrameLedger, Mark
from speech_app.language_line import LanguageLine, LineTools, Said
from speech_app.pacing import PartialPacer
from speech_app.partials import ShownPartial
from speech_app.plan import Plan
from speech_app.problem_log import ProblemLog

logger = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")

LAG_WORTH_SAYING_S = 2.0
FINISH_WITHIN_S = 90.0
"""Recognition that dies or hangs is back within 30 s; after this long it will not come back.
A database is waited for as long as it takes: the page gives up what it has said at the end."""
WORTH_SAYING_FOR = timedelta(minutes=1)
"""Older text that an earlier run did not get to is shown, but nobody wants to hear it now."""
LOOK_AT_HELD_EVERY_S = 0.5
"""An operator may fix, drop or show a held sentence at any time, through any process."""
MILLISECONDS = 1000
NOT_STORED = Problem(code="storage_down", message="The transcript cannot be stored at the moment.")


class Interpreter:
    """Owns one session's translator and its languages, from `open` to `finish` or `close`.

    `tell` takes every message for the speaker; whoever holds the speaker's socket sets it.
    """

    _running: ClassVar[WeakSet[Interpreter]] = WeakSet()

    def __init__(self, session: LiveSession, backend: Backend, plan: Plan) -> None:
        self.session = session
        self.heard: Mapping[str, Heard] = {}
        self.muted = plan.muted
        self.tell: Callable[[Message], None] = lambda message: None
        self.ended: asyncio.Event = asyncio.Event()
        self._backend = backend
        self._plan = plan
        self._start = Mark(session.acked_frame, session.acked_samples)
        self._ledger = FrameLedger(self._start)
        self._translator: SpeechTranslator | None = None
        self._listening: asyncio.Task[None] | None = None
        self._lines: dict[str, LanguageLine] = {}
        self._heard: asyncio.Queue[SpeechEvent | None] = asyncio.Queue()
        self._translated: dict[tuple[int, str], asyncio.Future[str | None]] = {}
        self._captions: dict[int, SpeakerCaption] = {}
        self._shown: dict[str, ShownPartial] = {}
        self._pacers: dict[str, PartialPacer[PartialCaption]] = {}
        self._told_pacer = PartialPacer(self._publish_told)
        self._problems = ProblemLog(session.pk)
        self._held_back = session.hold_s > 0
        self._shown_from = -1
        self._finishing = False
        self._next_segment = 1
        self._lag_said = 0.0
        self.storage_is_away = False
        self._spoken: dict[str, int] = {}

    @property
    def next_frame(self) -> int:
        """The first frame the speaker's page should send."""
        return self._ledger.next_frame

    async def open(self, *, listening: bool = True) -> None:
        """Begin to listen. Raises BackendError; nothing is left running then.

        With `listening` false, it only finishes what an earlier run has left.
        """
        if listening:
            self._translator = await self._backend.open_translator(
                self.session.source_language,
                # A listener may read a spoken language, too, while another one is spoken.
                list(self._plan.voices),
                self._plan.glossary,
                self._plan.sources,
            )
        tools = LineTools(
            store=self._store_translation,
            release=self._release,
            heard=self._with_sound,
            told=self._tell_translation,
            lost=self._lose,
            spoken=self._count_spoken,
            failed=lambda text: self.note("backend_down", text),
            name=lambda language: self._plan.names.get(language, language),
            synthesizer=self._backend.synthesizer(),
            translator=self._backend.text_translator(),
            glossary=self._plan.glossary,
        )
        unfinished = await in_database(_unfinished, self.session, list(self._plan.voices))
        self._next_segment = 1 + await in_database(_last_number, self.session)
        self._spoken = await in_database(CaptionStream.spoken, self.session.pk)
        for language, voice in self._plan.voices.items():
            self._lines[language] = LanguageLine(language, voice, tools)
            self._pacers[language] = PartialPacer(publish_partial)
            for said, text in unfinished[language]:
                if text is None:
                    self._lines[language].expect_translation(said)
                else:
                    self._lines[language].expect(said).set_result(text)
        if self._translator:
            self._listening = asyncio.create_task(self._listen(self._translator))
            self._running.add(self)
            self._measure()

    def feed(self, frame: bytes) -> None:
        """Take a numbered frame of audio. Raises FrameSize, FrameGap or TooFast.

        Once it finishes nothing is taken any more: the page keeps that for a resumption.
        """
        if self._finishing:
            return
        pcm = self._ledger.accept(frame)
        if pcm and self._translator:
            self._translator.feed(pcm)

    async def set_source_language(self, code: str) -> None:
        """What is spoken from now on. Raises LanguageUnavailable or Superseded."""
        if self._translator:
            await self._translator.set_source_language(code)
        await self.store(self.session.set_source_language, code)

    def obey(self, orders: Orders) -> None:
        """Keep to what operators want of it, and voice what somebody listens to."""
        self.heard, self.muted = orders.heard, orders.muted
        self.hold_back(orders.is_held)

    def hold_back(self, on: bool) -> None:
        """Whether listeners see nothing of a sentence before its operator had time to look."""
        if on:
            self._clear_listeners()
        self._held_back = on

    def note(self, code: str, text: str) -> None:
        """Log what did not work, for the operators and for afterwards."""
        self._problems.note(code, text)

    async def finish(self, *, held: bool = True) -> None:
        """Finish, store and voice everything that was said; then nothing runs any more.

        With `held` false, captions that an operator holds are left to the session's next run.
        """
        self._finishing = True
        work = asyncio.create_task(self._finish(held=held))
        lost = asyncio.create_task(self.ended.wait())
        try:
            await asyncio.wait([work, lost], return_when=asyncio.FIRST_COMPLETED)
            if work.done() and (error := work.exception()):
                logger.error("Session %s did not finish", self.session.pk, exc_info=error)
        finally:
            for task in (work, lost):
                task.cancel()
            await asyncio.gather(work, lost, return_exceptions=True)
            await self.close()

    async def close(self) -> None:
        """Stop at once. What was acknowledged is stored; the page still has the rest."""
        self.ended.set()
        if self._translator:
            await self._translator.close()
        if self._listening:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        await asyncio.gather(
            self._told_pacer.close(), *(pacer.close() for pacer in self._pacers.values())
        )
        await asyncio.gather(*(line.close() for line in self._lines.values()))
        await self._problems.close()
        self._running.discard(self)
        self._measure()

    async def _finish(self, *, held: bool) -> None:
        heard = True
        if self._translator and self._listening:
            await self._translator.finish()
            heard = False
            while not heard:
                done, _ = await asyncio.wait([self._listening], timeout=FINISH_WITHIN_S)
                heard = bool(done)
                if not self.storage_is_away:
                    break
        if not heard:
            logger.error("Session %s: recognition did not finish", self.session.pk)
            metrics.count_backend_error("recognition")
            self._complain(
                Problem(
                    code="backend_down",
                    message="Speech recognition does not answer; your last words are missing.",
                )
            )
        for future in list(self._translated.values()):
            if not future.done():
                future.set_result(None)
        last = self._ledger.last
        # Recognition that failed has heard nothing of what came after its last words.
        failed = self.ended.is_set()
        if heard and not failed and last.frame > self.session.acked_frame:
            with contextlib.suppress(Superseded):
                await self._acknowledge(last)
        await asyncio.gather(*(line.drain(held=held) for line in self._lines.values()))

    # What the backend hears

    async def _listen(self, translator: SpeechTranslator) -> None:
        reading = asyncio.create_task(self._read(translator))
        try:
            while (event := await self._heard.get()) is not None:
                await self._take(event)
            await reading
        except Superseded:
            self._lose()
        except Exception:
            logger.exception("Session %s stopped listening", self.session.pk)
            metrics.count_backend_error("recognition")
            self._complain(
                Problem(
                    code="backend_down",
                    message="Speech recognition has stopped. Press Resume to start it again; "
                    "what you said meanwhile is kept.",
                )
            )
            self._lose()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, translator: SpeechTranslator) -> None:
        """A translation is taken in at once, though storing what came before it may take long."""
        try:
            async for event in translator.events():
                if isinstance(event, Translated):
                    self._translation(event.key, event.language, event.text)
                else:
                    self._heard.put_nowait(event)
        finally:
            self._heard.put_nowait(None)

    def _translation(self, key: int, language: str, text: str | None) -> None:
        future = self._future(key, language)
        if not future.done():
            future.set_result(text)

    def _future(self, key: int, language: str) -> asyncio.Future[str | None]:
        """What becomes a final's text in this language; the final or the text may come first."""
        known = self._translated.get((key, language))
        if known is None:
            known = asyncio.get_running_loop().create_future()
            self._translated[key, language] = known
        return known

    def _lose(self) -> None:
        self.ended.set()

    async def _take(self, event: SpeechEvent) -> None:
        match event:
            case Partial():
                if self._heard.empty():  # what has been said on since shows more
                    self._show_partial(event)
            case Final():
                await self._finish_segment(event)
            case Silence(until_sample):
                self._withdraw_partial()
                mark = self._ledger.dealt_with(self._start.samples + until_sample)
                if mark.frame > self.session.acked_frame:
                    await self._acknowledge(mark)
            case Trouble(code, message, language):
                if language is None:
                    metrics.count_backend_error("recognition")
                self._complain(Problem(code=code, message=message))
        self._tell_lag()
        self._measure()

    def _show_partial(self, partial: Partial) -> None:
        if partial.start_sample != self._shown_from:
            self._shown_from = partial.start_sample
            self._shown.clear()
        texts = dict(partial.translations)
        for language in self._lines:
            if same_language(language, partial.source_language):
                texts[language] = partial.text
        shown = {}
        for language, text in texts.items():
            stable, tail = self._shown.setdefault(language, ShownPartial()).update(text)
            if not stable and not tail:
                continue
            shown[language] = stable + tail
            if not self._held_back:
                self._publish_partial(language, stable, tail, partial)
        self._tell_partial(partial, shown)

    def _withdraw_partial(self) -> None:
        """What was taken for words was noise: nothing of it stays on the pages."""
        if not self._shown:
            return
        self._clear_listeners()
        self._tell_partial(self._nothing(), {})
        self._shown.clear()

    def _clear_listeners(self) -> None:
        """Take back the words still being spoken, where listeners have been shown any."""
        if not self._held_back:
            for language in self._shown:
                self._publish_partial(language, "", "", self._nothing())

    def _nothing(self) -> Partial:
        """In place of the words that are on the pages."""
        return Partial(self._shown_from, self.session.source_language, "", {})

    def _publish_partial(self, language: str, stable: str, tail: str, partial: Partial) -> None:
        self._pacers[language].show(
            PartialCaption(
                session=self.session.pk,
                language=language,
                segment=self._next_segment,
                stable=stable,
                tail=tail,
                source=partial.text,
                source_language=partial.source_language,
            )
        )

    def _tell_partial(self, partial: Partial, shown: Mapping[str, str]) -> None:
        start_ms = self._session_ms(partial.start_sample)
        caption = SpeakerCaption(
            session=self.session.pk,
            segment=self._next_segment,
            final=False,
            source_language=partial.source_language,
            source=partial.text,
            translations=shown,
            start_ms=start_ms,
            end_ms=start_ms,
        )
        self.tell(caption)
        self._told_pacer.show(caption)

    async def _publish_told(self, caption: SpeakerCaption) -> None:
        await publish_told(self.session.event_id, caption.encode())

    async def _finish_segment(self, final: Final) -> None:
        ended_at = self._ledger.came_at(self._start.samples + final.end_sample)
        mark = self._ledger.dealt_with(self._start.samples + final.end_sample)
        segment: Segment = await self.store(
            self.session.finish_segment,
            source_language=final.source_language,
            text=final.text,
            confidence=final.confidence,
            start_ms=self._session_ms(final.start_sample),
            end_ms=self._session_ms(final.end_sample),
            acked_frame=mark.frame,
            acked_samples=mark.samples,
            number=self._next_segment,
            final_ms=max(0, round((time.monotonic() - ended_at) * MILLISECONDS)),
        )
        if segment.is_held:
            # Words that were shown before this was known would stand there until it is shown.
            self.hold_back(True)
        self._next_segment = segment.number + 1
        self._shown.clear()
        self._told_pacer.drop()
        if not self._held_back:  # else what waits takes words back
            for pacer in self._pacers.values():
                pacer.drop()
        caption = SpeakerCaption(
            session=self.session.pk,
            segment=segment.number,
            final=True,
            source_language=segment.source_language,
            source=segment.text,
            translations={},
            start_ms=segment.start_ms,
            end_ms=segment.end_ms,
        )
        self._captions[segment.number] = caption
        self.tell(caption)
        self.tell(Ack(frame=self.session.acked_frame))
        said = Said(
            segment.pk, segment.number, segment.source_language, segment.text, ended_at=ended_at
        )
        for language, line in self._lines.items():
            if same_language(language, segment.source_language):
                line.expect(said).set_result(segment.text)
            else:
                text = self._future(final.key, language)
                text.add_done_callback(
                    functools.partial(self._translated.pop, (final.key, language))
                )
                line.expect(said, text)

    def _session_ms(self, sample: int) -> int:
        audio_ms = (self._start.samples + sample) * MILLISECONDS // SAMPLE_RATE
        return audio_ms + self.session.paused_ms

    # What is stored

    async def _acknowledge(self, mark: Mark) -> None:
        await self.store(self.session.acknowledge, mark.frame, mark.samples)
        self.tell(Ack(frame=mark.frame))

    async def _store_translation(
        self, segment: int, language: str, text: str | None, taken_ms: int | None
    ) -> FinalCaption | None:
        return await self.store(_store_translation, self.session, segment, language, text, taken_ms)

    async def _release(self, segment: int, language: str) -> FinalCaption | None:
        """Wait until the caption may be seen; None where an operator dropped it."""
        while True:
            found = await self.store(_release, self.session, segment, language)
            if not isinstance(found, datetime):
                return found
            left_s = (found - timezone.now()).total_seconds()
            await asyncio.sleep(min(max(0.0, left_s), LOOK_AT_HELD_EVERY_S))

    async def _count_spoken(self, caption: FinalCaption, taken_ms: int | None) -> None:
        language, characters = caption.language, len(caption.text or "")
        metrics.count_synthesised(language, characters)
        self._spoken[language] = self._spoken.get(language, 0) + characters
        await self.store(_note_spoken, caption, self._spoken[language], taken_ms)

    async def store(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Store, and wait for a database that is away. Raises Superseded."""
        result = await persist(self._lack_storage, function, *args, **kwargs)
        if self.storage_is_away:
            self.storage_is_away = False
            logger.warning("Session %s is stored again", self.session.pk)
        return result

    def _lack_storage(self) -> None:
        if not self.storage_is_away:
            self.storage_is_away = True
            logger.warning("Session %s cannot be stored: the database is away", self.session.pk)
            self._complain(NOT_STORED)

    # What the speaker is told

    def _complain(self, problem: Problem) -> None:
        self.tell(problem)
        self.note(problem.code, problem.message)

    def _tell_translation(self, caption: FinalCaption) -> None:
        known = self._captions.get(caption.segment)
        if known is None or caption.language not in self._plan.targets:
            return
        translations = {**known.translations, caption.language: caption.text}
        known = replace(known, translations=translations)
        self.tell(known)
        if len(translations) == len(self._plan.targets) and None not in translations.values():
            del self._captions[caption.segment]
        else:
            self._captions[caption.segment] = known

    def _with_sound(self, language: str) -> int:
        heard = self.heard.get(language)
        return heard.with_sound if heard and language not in self.muted else 0

    @property
    def _backlog_s(self) -> float:
        return max((line.backlog_s for line in self._lines.values()), default=0.0)

    @classmethod
    def _measure(cls) -> None:
        metrics.set_live_sessions(len(cls._running))
        metrics.set_backlog(max((each._backlog_s for each in cls._running), default=0.0))

    def _tell_lag(self) -> None:
        lag = self._backlog_s
        lag = round(lag, 1) if lag >= LAG_WORTH_SAYING_S else 0.0
        if abs(lag - self._lag_said) >= 1 or (lag == 0) != (self._lag_said == 0):
            self._lag_said = lag
            self.tell(Lag(seconds=lag))


def _store_translation(
    session: LiveSession, segment: int, language: str, text: str | None, taken_ms: int | None
) -> FinalCaption | None:
    row = session.finish_translation(
        Segment.objects.get(pk=segment), language, text, caption_ms=taken_ms
    )
    return _caption(row) if row.seq else None


def _release(session: LiveSession, segment: int, language: str) -> FinalCaption | datetime | None:
    row = Translation.objects.get(segment=segment, language=language)
    found = holding.release(session, row)
    return _caption(found) if isinstance(found, Translation) else found


def _caption(translation: Translation) -> FinalCaption:
    return FinalCaption.of(Translation.objects.shown().get(pk=translation.pk))


def _note_spoken(caption: FinalCaption, characters: int, taken_ms: int | None) -> None:
    CaptionStream.count_spoken(caption.session, caption.language, characters)
    Translation.objects.filter(
        session=caption.session, language=caption.language, segment__number=caption.segment
    ).update(speech_ms=taken_ms)


def _unfinished(
    session: LiveSession, languages: list[str]
) -> dict[str, list[tuple[Said, str | None]]]:
    """By language, the segments whose captions an earlier run did not get to show.

    With each its text, None where it must still be translated.
    """
    found: dict[str, list[tuple[Said, str | None]]] = {}
    for language in languages:
        texts = session.translations.filter(language=language, text__isnull=False)
        shown = texts.exclude(seq=None).values("segment")
        held = dict(texts.filter(seq=None).values_list("segment", "text"))
        missing = session.segments.filter(dropped_at=None).exclude(pk__in=shown)
        found[language] = [
            (
                Said(
                    row.pk,
                    row.number,
                    row.source_language,
                    row.text,
                    speak=row.created_at > timezone.now() - WORTH_SAYING_FOR,
                ),
                row.text if same_language(language, row.source_language) else held.get(row.pk),
            )
            for row in missing.order_by("number")
        ]
    return found


def _last_number(session: LiveSession) -> int:
    return session.segments.order_by("-number").values_list("number", flat=True).first() or 0
