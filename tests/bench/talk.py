"""The sample talk at its own pace through the real sockets, and when what of it arrives."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.bench.accuracy import DATA
from tests.bench.embedded import taken_back, words
from tests.bench.process_tree import ProcessTree
from tests.clients import BYTES_PER_MS, recorded, speaker

FRAME_MS = 80
"""As long as those of the speaker's page."""
OVERLAP_MS = 200
"""A segment belongs to every sentence that it shares more than this with."""
MEMORY_EVERY_S = 10.0
QUIET_AFTER_S = 1.0

JSON = dict[str, Any]
TALK: JSON = json.loads((DATA / "quarterly-update.en.json").read_text())


@dataclass(frozen=True, slots=True)
class Sentence:
    """When a sentence of the talk begins and ends, in ms of the recording."""

    start_ms: int
    end_ms: int

    def shares(self, final: JSON) -> bool:
        """Whether this final caption holds part of the sentence."""
        shared = min(self.end_ms, final["end_ms"]) - max(self.start_ms, final["start_ms"])
        return bool(shared > OVERLAP_MS)


SENTENCES = [Sentence(s["start_ms"], s["end_ms"]) for s in TALK["sentences"]]


class Listener:
    """Joins a language with sound and notes when each message came."""

    def __init__(self, socket: ClientConnection, language: str) -> None:
        self.language = language
        self.arrived: list[tuple[float, JSON]] = []
        self._socket = socket
        self._reading: asyncio.Task[None] | None = None

    async def join(self) -> None:
        join = {"type": "join", "language": self.language, "after": None, "speech": True}
        await self._socket.send(json.dumps(join))
        self._reading = asyncio.create_task(self._read())

    async def leave(self) -> None:
        await self._socket.close()
        if self._reading:
            await self._reading

    async def _read(self) -> None:
        async for frame in self._socket:
            now = time.monotonic()
            if isinstance(frame, bytes):
                length = int.from_bytes(frame[:4], "big")
                self.arrived.append((now, json.loads(frame[4 : 4 + length])))
            else:
                self.arrived.append((now, json.loads(frame)))


@dataclass
class Figures:
    """What was measured; times in seconds, pooled over sentences, languages and runs."""

    caption_after_end: list[float] = field(default_factory=list)
    speech_after_end: list[float] = field(default_factory=list)
    heard_after_end: list[float] = field(default_factory=list)
    first_words_after_start: list[float] = field(default_factory=list)
    words_taken_back: int = 0
    final_words: int = 0
    missing: int = 0
    heard: list[list[str]] = field(default_factory=list)
    captions: dict[str, list[list[str]]] = field(default_factory=dict)
    cores: list[float] = field(default_factory=list)
    pss_bytes: list[int] = field(default_factory=list)

    def add(self, listener: Listener, began: float) -> None:
        """Take in what a listener noted of a talk whose first sample was spoken at `began`."""
        finals = {
            message["segment"]: (at - began, message)
            for at, message in listener.arrived
            if message["type"] == "caption" and message["final"]
        }
        partials = [
            (at - began, message)
            for at, message in listener.arrived
            if message["type"] == "caption" and not message["final"]
        ]
        speeches = {
            message["segment"]: (at - began, message)
            for at, message in listener.arrived
            if message["type"] == "speech"
        }
        texts = [message["text"] or "" for _, message in finals.values()]
        self.captions.setdefault(listener.language, []).append(texts)
        self._add_delays(finals, partials, speeches)
        self._add_words_taken_back(finals, partials)

    def _add_delays(
        self,
        finals: dict[int, tuple[float, JSON]],
        partials: Sequence[tuple[float, JSON]],
        speeches: dict[int, tuple[float, JSON]],
    ) -> None:
        begins = _playback(speeches)
        for sentence in SENTENCES:
            parts = [number for number, (_, final) in finals.items() if sentence.shares(final)]
            if not parts:
                self.missing += 1
                continue
            first, last = parts[0], parts[-1]
            end = sentence.end_ms / 1000
            self.caption_after_end.append(finals[last][0] - end)
            if last in speeches:
                self.speech_after_end.append(speeches[last][0] - end)
                self.heard_after_end.append(begins[last] - end)
            if finals[first][1]["start_ms"] >= sentence.start_ms - OVERLAP_MS * 2:
                shown = [at for at, partial in partials if _shows(partial, first)]
                at = min([*shown, finals[first][0]])
                self.first_words_after_start.append(at - sentence.start_ms / 1000)

    def _add_words_taken_back(
        self, finals: dict[int, tuple[float, JSON]], partials: Sequence[tuple[float, JSON]]
    ) -> None:
        shown: dict[int, str] = {}
        texts = [(p["segment"], p["stable"] + p["tail"]) for _, p in partials]
        texts += [(number, final["text"] or "") for number, (_, final) in finals.items()]
        for segment, text in texts:
            self.words_taken_back += taken_back(shown.get(segment, ""), text)
            shown[segment] = text
        self.final_words += sum(len(words(final["text"] or "")) for _, final in finals.values())


def _shows(partial: JSON, segment: int) -> bool:
    return partial["segment"] == segment and bool((partial["stable"] + partial["tail"]).strip())


def _playback(speeches: dict[int, tuple[float, JSON]]) -> dict[int, float]:
    """When each speech begins where one is played after the other."""
    free = 0.0
    begins: dict[int, float] = {}
    for segment, (at, speech) in speeches.items():
        begins[segment] = max(free, at)
        free = begins[segment] + speech["duration_ms"] / 1000
    return begins


@dataclass(frozen=True, slots=True)
class Venue:
    """A running server, and the event on it to speak at."""

    socket_url: str
    server_pid: int
    join_code: str
    token: str


async def play_talk(venue: Venue, languages: Sequence[str], into: Figures) -> None:
    """Speak the whole talk once, and add what the listeners of these languages noted."""
    tree = ProcessTree(venue.server_pid)
    async with AsyncExitStack() as open_sockets:
        listeners = []
        for language in languages:
            socket = await open_sockets.enter_async_context(
                connect(f"{venue.socket_url}/ws/listen/{venue.join_code}/", max_size=None)
            )
            listeners.append(Listener(socket, language))
            await listeners[-1].join()
        talk = await open_sockets.enter_async_context(speaker(venue.socket_url, venue.token))
        # Speech is made only where the server knows of somebody who listens with sound.
        await talk.until(lambda received: bool(received) and _all_count(received, languages))
        await talk.start()
        watching = asyncio.create_task(_watch_memory(tree, into))
        used, began = tree.cpu_seconds(), time.monotonic()
        pcm = recorded(0, TALK["duration_ms"])
        step = FRAME_MS * BYTES_PER_MS
        for number, position in enumerate(range(0, len(pcm), step)):
            # A frame can leave when its last sample was spoken.
            due = began + (number + 1) * FRAME_MS / 1000
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await talk.send_frame(pcm[position : position + step])
        spoken_s = time.monotonic() - began
        await talk.send(type="end")
        await talk.expect(type="state", state="ended")
        into.cores.append((tree.cpu_seconds() - used) / spoken_s)
        watching.cancel()
        await asyncio.sleep(QUIET_AFTER_S)
        for listener in listeners:
            await listener.leave()
            into.add(listener, began)
        into.heard.append(talk.finals())


def _all_count(received: Sequence[JSON], languages: Sequence[str]) -> bool:
    sizes = [message["languages"] for message in received if message["type"] == "audience"]
    return bool(sizes) and all(sizes[-1].get(language) for language in languages)


async def _watch_memory(tree: ProcessTree, into: Figures) -> None:
    while True:
        await asyncio.sleep(MEMORY_EVERY_S)
        into.pss_bytes.append(await asyncio.to_thread(tree.pss_bytes))
