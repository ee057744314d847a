"""A talk in the production set-up, from its first word to its last caption, while something breaks.

The speaker is `Playback`, which follows the same rules as the speaker's page; the backend is the
real embedded one.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

import psutil  # type: ignore[import-untyped]

from speech_app.playback import Playback
from tests.clients import BYTES_PER_MS, FaithfulListener, faithful_listeners
from tests.cluster import Cluster, ServerProcess
from tests.transcripts import Stored, Verdict, judge, read_transcripts

PLAYED_EVERY_MS = 100
COMES_TRUE_WITHIN_S = 120.0
AT_REST_WITHIN_S = 60.0

_MAKE_EVENTS = """
import json
from sessions_app.models import Avatar, Event, EventLanguage, Language, Speaker
for number in range({count}):
    avatar = Avatar.objects.filter(kind="drawn")[0]
    event = Event.objects.create(title=f"Talk {{number}}", avatar=avatar)
    event.source_languages.add(Language.objects.get(code="en-US"))
    for code in {languages!r}:
        EventLanguage.objects.create(event=event, language=Language.objects.get(code=code))
    print(json.dumps([event.join_code, Speaker.objects.create(event=event, name="Speaker").token]))
"""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event at which nobody has spoken yet."""

    join_code: str
    token: str


def make_events(cluster: Cluster, count: int, languages: Sequence[str]) -> list[NewEvent]:
    """Events in English, translated into these languages."""
    script = _MAKE_EVENTS.format(count=count, languages=list(languages))
    made = cluster.manage("shell", "-v", "0", "-c", script)
    return [NewEvent(*json.loads(line)) for line in made.splitlines()]


async def until(condition: Callable[[], bool]) -> None:
    """Look until it is so. Raises AssertionError where it does not come true in 2 minutes."""
    deadline = time.monotonic() + COMES_TRUE_WITHIN_S
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


@dataclass
class Talk:
    """A recording (PCM) spoken at an event, `speed` times as fast as it was recorded."""

    cluster: Cluster
    event: NewEvent
    pcm: bytes
    speed: int
    listeners: list[FaithfulListener]
    position_ms: int = 0
    lines: list[str] = field(default_factory=list)
    """What the speaker was told."""
    stored: Stored | None = None

    async def give(self, trouble: Callable[[Talk], Awaitable[None]]) -> None:
        """Speak while `trouble` is made; returns once everything has come to rest.

        Where it does not within `AT_REST_WITHIN_S`, `judge` and `listeners_faults` say why.
        """
        playback = Playback(
            f"{self.cluster.socket_url}/ws/speak/{self.event.token}/",
            self._chunks(),
            source_language="en-US",
            rehearsal=False,
            say=self.lines.append,
        )
        async with faithful_listeners(self.listeners):
            await until(lambda: all(one.connections for one in self.listeners))
            playing = asyncio.create_task(playback.run())
            try:
                await trouble(self)
                await playing
            finally:
                playing.cancel()
            deadline = time.monotonic() + AT_REST_WITHIN_S
            while not await self._is_at_rest():
                if time.monotonic() > deadline:
                    break
                await asyncio.sleep(0.5)

    async def reaches(self, position_ms: int) -> None:
        """Wait until the speaker has said so much."""
        await until(lambda: self.position_ms >= position_ms)

    def interpreting(self) -> ServerProcess:
        """The server process that holds this host's only slot for a live speaker."""
        [found] = [server for server in self.cluster.processes if slots(server)]
        return found

    def judge(self, said: Sequence[str]) -> Verdict:
        """What is wrong with the transcript."""
        assert self.stored is not None
        verdict = judge(said, self.stored)
        if self.stored.state != "ended":
            verdict.lost.append(f"its end: it is {self.stored.state}")
        return verdict

    def at_listeners(self) -> Verdict:
        """What is wrong at listeners, against what is stored."""
        assert self.stored is not None
        verdict = Verdict()
        for number, one in enumerate(self.listeners):
            where = f"listener {number} ({one.language})"
            stored = {row.segment: row.text for row in self.stored.translations[one.language]}
            heard = {segment: caption["text"] for segment, caption in one.captions.items()}
            verdict.lost += [f"{where}: segment {n}" for n in stored if heard.get(n) != stored[n]]
            verdict.doubled += [f"{where}: segment {n}" for n in heard if n not in stored]
            verdict.doubled += [f"{where}: seq {seq}" for seq in one.doubled]
            verdict.disordered += [f"{where}: seq {seq}" for seq in one.out_of_order]
            voiced = [seq for seq in set(one.spoken) if one.spoken.count(seq) > 1]
            verdict.doubled += [f"{where}: the voice of seq {seq}" for seq in voiced]
            if one.spoken != sorted(one.spoken):
                verdict.disordered.append(f"{where}: voices {one.spoken}")
        return verdict

    def _chunks(self) -> Iterator[bytes]:
        length_ms = PLAYED_EVERY_MS * self.speed
        for position_ms in range(0, len(self.pcm) // BYTES_PER_MS, length_ms):
            self.position_ms = position_ms
            begin = position_ms * BYTES_PER_MS
            yield self.pcm[begin : begin + length_ms * BYTES_PER_MS]

    async def _is_at_rest(self) -> bool:
        [self.stored] = await asyncio.to_thread(
            read_transcripts, self.cluster.postgres.url, self.event.join_code
        )
        newest = {
            language: {row.segment: row.seq for row in rows}
            for language, rows in self.stored.translations.items()
        }
        return self.stored.state == "ended" and all(
            one.state == "ended"
            and {n: caption["seq"] for n, caption in one.captions.items()} == newest[one.language]
            for one in self.listeners
        )


def slots(server: ServerProcess) -> list[str]:
    """The slots for live speakers that this process holds."""
    if server.process is None:
        return []
    files = psutil.Process(server.process.pid).open_files()
    return [file.path for file in files if "/speaker-" in file.path]
