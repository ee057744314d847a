"""The talk that a crowd listens to: rows through the models, frames through the channel layer.

A process of its own, told by its standard input what to publish next: a stretch as one line of
JSON, answered by a line when it is over.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, replace

import django
from channels.layers import get_channel_layer

django.setup()

from sessions_app.broadcast import (  # noqa: E402
    publish_final,
    publish_partial,
    publish_speech,
    publish_state,
)
from sessions_app.database import in_database  # noqa: E402
from sessions_app.messages import FinalCaption, PartialCaption, SpeechHeader  # noqa: E402
from sessions_app.models import (  # noqa: E402
    Avatar,
    Event,
    EventLanguage,
    Language,
    LiveSession,
    Speaker,
    Translation,
)
from sessions_app.models.catalogue import AvatarKind  # noqa: E402
from speech_app.audio import mp3  # noqa: E402
from tests.bench.accuracy import sentences  # noqa: E402
from tests.bench.listeners.listener import CLOCK  # noqa: E402
from tests.bench.listeners.stretch import GROUP, Published, Stretch  # noqa: E402
from tests.clients import recorded  # noqa: E402

SPEECH_MS = 3_000


async def main() -> None:
    """Arguments: `product`, or `plain` for the baselines; languages. Prints the join code first."""
    way, *languages = sys.argv[1:]
    speaker = await in_database(_make_speaker, languages)
    talk = await Talk.begin(speaker, languages, plain=way == "plain")
    print(speaker.event.join_code, flush=True)
    async for stretch in _stretches():
        print(json.dumps(asdict(await talk.publish(stretch))), flush=True)
    await in_database(talk.session.end)


async def _stretches() -> AsyncIterator[Stretch]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield Stretch(**json.loads(line))


class Talk:
    """A live session, and its next words."""

    def __init__(self, session: LiveSession, languages: list[str], *, plain: bool) -> None:

        self.session = session
        self._languages = languages
        self._plain = plain
        self._spoken = itertools.cycle(sentences("en"))
        self._translated = itertools.cycle(sentences("es"))
        self._segment = 1
        self._audio = _speech()
        self._last_seqs = dict.fromkeys(languages, 0)
        self._touched = 0.0

    @classmethod
    async def begin(cls, speaker: Speaker, languages: list[str], *, plain: bool) -> Talk:

        session = await in_database(_go_live, speaker)
        if not plain:
            await publish_state(session)
        return cls(session, languages, plain=plain)

    async def publish(self, stretch: Stretch) -> Published:
        done = Published()
        began = time.monotonic()
        for at, final in _timetable(stretch):
            now = time.monotonic() - began
            if now < at:
                await asyncio.sleep(at - now)
            else:
                done.late_ms = max(done.late_ms, 1000 * (now - at))
            if final:
                await self._final(done, speech=stretch.speech)
            else:
                await self._partial(done)
            await self._stay_live()
        await asyncio.sleep(max(0, began + stretch.seconds - time.monotonic()))
        done.last_seqs = self._last_seqs
        return done

    async def _partial(self, done: Published) -> None:

        words = next(self._translated).split()
        for language in self._languages:
            caption = PartialCaption(
                session=self.session.pk,
                language=language,
                segment=self._segment,
                stable=" ".join(words[:-2]),
                tail=" ".join(words[-2:]),
                source=_stamped(next(self._spoken)),
                source_language="en-US",
            )
            await (self._send(caption.encode()) if self._plain else publish_partial(caption))
            done.partials += 1

    async def _final(self, done: Published, *, speech: bool) -> None:

        source, text = _stamped(next(self._spoken)), next(self._translated)
        captions = await in_database(self._store, source, text)
        for caption in captions:
            stamped = replace(caption, source=_stamped(caption.source.rpartition("@")[0]))
            await (self._send(stamped.encode()) if self._plain else publish_final(stamped))
            self._last_seqs[caption.language] = caption.seq
            done.finals += 1
        if not speech:
            return
        for caption in captions:
            header = SpeechHeader(
                session=caption.session,
                language=caption.language,
                segment=caption.segment,
                seq=caption.seq,
                mime="audio/mpeg",
                duration_ms=SPEECH_MS,
                visemes=[(at, at // 80 % 22) for at in range(0, SPEECH_MS, 80)],
            )
            await publish_speech(header, self._audio + CLOCK.pack(time.monotonic()))
            done.speech += 1

    def _store(self, source: str, text: str) -> list[FinalCaption]:

        segment = self.session.finish_segment(
            source_language="en-US",
            text=source,
            start_ms=SPEECH_MS * (self._segment - 1),
            end_ms=SPEECH_MS * self._segment,
            acked_frame=self._segment,
            acked_samples=self._segment,
        )
        self._segment = segment.number + 1
        stored = [
            self.session.finish_translation(segment, language, text).pk
            for language in self._languages
        ]
        rows = Translation.objects.shown().filter(pk__in=stored)
        return [FinalCaption.of(row) for row in rows]

    async def _send(self, frame: str) -> None:
        layer = get_channel_layer()
        assert layer is not None
        await layer.group_send(GROUP, {"type": "caption", "text": frame})

    async def _stay_live(self) -> None:
        """As a speaker's connection does, so that nobody takes the session for abandoned."""
        if time.monotonic() - self._touched > 5:
            self._touched = time.monotonic()
            await in_database(self.session.touch)


def _timetable(stretch: Stretch) -> list[tuple[float, bool]]:
    """When, in seconds, and whether a final; nothing falls on anything else."""
    times = []
    for rate, final in ((stretch.partials_per_s, False), (stretch.finals_per_s, True)):
        count = round(rate * stretch.seconds)
        times += [((number + (0.5 if final else 0.25)) / rate, final) for number in range(count)]
    return sorted(times)


def _stamped(words: str) -> str:
    return f"{words.strip()} @{time.monotonic():.6f}"


def _speech() -> bytes:
    """Three seconds of the sample talk, as its voice is sent."""

    return mp3(recorded(0, SPEECH_MS), 16_000)


def _make_speaker(languages: list[str]) -> Speaker:
    """Of a new event that is translated into these."""
    avatar = Avatar.objects.filter(kind=AvatarKind.DRAWN)[0]
    event = Event.objects.create(title="Bench", avatar=avatar)
    event.source_languages.add(Language.objects.get(code="en-US"))
    for language in Language.objects.filter(code__in=languages):
        EventLanguage.objects.create(event=event, language=language)
    return Speaker.objects.create(event=event, name="Bench")


def _go_live(speaker: Speaker) -> LiveSession:

    return LiveSession.go_live(
        speaker,
        client="bench",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )


if __name__ == "__main__":
    asyncio.run(main())
