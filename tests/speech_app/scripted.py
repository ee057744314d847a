"""A talk in this process, through both sockets, in which the test says what is recognised and when.

Only the recogniser, the translator and the voice are stood in for: what is tested is what becomes
of their answers at moments that real speech does not hit twice.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from channels.testing import WebsocketCommunicator

from avatartranslate.asgi import application
from speech_app.backends.base import (
    Final,
    GlossaryEntry,
    Partial,
    Speech,
    SpeechEvent,
    SpeechTranslator,
    Synthesizer,
    TextTranslator,
    Translated,
    VideoAvatars,
    Viseme,
    VoiceInfo,
)

JSON = dict[str, Any]
WITHIN_S = 20.0
FRAME = bytes(3200)
"""100 ms of audio."""


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, "It did not come true in time."
        await asyncio.sleep(0.02)


class Recogniser:
    """A `SpeechTranslator` that hears what the test says, in the audio that was fed last."""

    def __init__(self, targets: Sequence[str]) -> None:
        self.fed = b""
        self.finishes = asyncio.Event()
        """Until this is set, what was said last is not recognised yet."""
        self.finishes.set()
        self._targets = targets
        self._heard_until = 0
        self._keys = itertools.count(1)
        self._events: asyncio.Queue[SpeechEvent | Exception | None] = asyncio.Queue()

    @property
    def samples(self) -> int:
        """How much was fed."""
        return len(self.fed) // 2

    def hears(self, text: str) -> None:
        """Words that are still being spoken."""
        translations = {code: f"{code[:2]} {text}" for code in self._targets}
        self._events.put_nowait(Partial(self._heard_until, "en-US", text, translations))

    def has_heard(self, text: str) -> None:
        """A sentence, in what was fed since the one before."""
        key = next(self._keys)
        self._events.put_nowait(Final(key, self._heard_until, self.samples, "en-US", text))
        self._heard_until = self.samples
        for code in self._targets:
            self._events.put_nowait(Translated(key, code, f"{code[:2]} {text}"))

    def fails(self, error: Exception) -> None:
        """As a fault of its own makes it fail."""
        self._events.put_nowait(error)

    def feed(self, pcm: bytes) -> None:
        self.fed += pcm

    async def events(self) -> AsyncIterator[SpeechEvent]:
        while (event := await self._events.get()) is not None:
            if isinstance(event, Exception):
                raise event
            yield event

    async def add_language(self, language: str) -> None: ...

    async def remove_language(self, language: str) -> None: ...

    async def set_source_language(self, language: str) -> None: ...

    async def finish(self) -> None:
        await self.finishes.wait()
        self._events.put_nowait(None)

    async def close(self) -> None:
        self._events.put_nowait(None)


class ScriptedBackend:
    """A `Backend` whose newest recogniser is `recogniser`; its voice says everything at once."""

    name = "embedded"

    def __init__(self) -> None:
        self.recognisers: list[Recogniser] = []
        self.voiced: list[str] = []

    @property
    def recogniser(self) -> Recogniser:
        return self.recognisers[-1]

    def source_languages(self) -> Sequence[str]:
        return ["en-US"]

    def target_languages(self, source: str) -> Sequence[str]:
        return ["es-ES", "fr-FR"]

    def voices(self) -> Sequence[VoiceInfo]:
        return [VoiceInfo(code[:2], code, code) for code in ("es-ES", "fr-FR")]

    async def open_translator(
        self,
        source: str,
        targets: Sequence[str],
        glossary: Sequence[GlossaryEntry] = (),
        candidates: Sequence[str] = (),
    ) -> SpeechTranslator:
        self.recognisers.append(Recogniser([code for code in targets if code != "en-US"]))
        return self.recogniser

    async def translate(
        self, text: str, source: str, target: str, glossary: Sequence[GlossaryEntry] = ()
    ) -> str:
        return f"{target[:2]} {text}"

    async def synthesize(
        self,
        text: str,
        language: str,
        voice: str,
        rate: float = 1.0,
        glossary: Sequence[GlossaryEntry] = (),
    ) -> Speech:
        self.voiced.append(text)
        return Speech(b"mp3", "audio/mpeg", 10, [Viseme(0, 0)])

    def text_translator(self) -> TextTranslator:
        return self

    def synthesizer(self) -> Synthesizer:
        return self

    def video_avatars(self) -> VideoAvatars | None:
        return None

    def problems(self) -> Sequence[str]:
        return []

    async def close(self) -> None: ...


class Socket:
    """A page's socket through the whole ASGI application; keeps every message that came."""

    def __init__(self, path: str) -> None:
        self.received: list[JSON] = []
        self.closed: int | None = None
        self._socket = WebsocketCommunicator(application, path)

    async def send(self, **message: Any) -> None:
        await self._socket.send_json_to(message)

    async def send_audio(self, frame: int, pcm: bytes = FRAME) -> None:
        await self._socket.send_to(bytes_data=frame.to_bytes(4, "big") + pcm)

    def all(self, **fields: Any) -> list[JSON]:
        return [
            message
            for message in self.received
            if all(message.get(name) == value for name, value in fields.items())
        ]

    async def expect(self, count: int = 1, **fields: Any) -> JSON:
        """The message of this place among those with these fields; waits until it is there."""
        await until(lambda: len(self.all(**fields)) >= count)
        return self.all(**fields)[count - 1]

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Socket]:
        await self._socket.connect()
        reading = asyncio.create_task(self._read())
        try:
            yield self
        finally:
            await self._socket.disconnect(timeout=10)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            sent = await self._socket.output_queue.get()
            if sent["type"] == "websocket.close":
                self.closed = sent.get("code")
            elif sent.get("text"):
                self.received.append(json.loads(sent["text"]))
            elif sent.get("bytes"):
                length = int.from_bytes(sent["bytes"][:4], "big")
                self.received.append(json.loads(sent["bytes"][4 : 4 + length]))


@asynccontextmanager
async def speaking(token: str) -> AsyncIterator[Socket]:
    """A speaker's page; `start` makes it go live."""
    async with Socket(f"/ws/speak/{token}/").opened() as page:
        await page.expect(type="ready")
        yield page


async def start(page: Socket, **fields: Any) -> None:
    """Go live and wait for it."""
    message = {
        "client": "tab-1",
        "take_over": False,
        "consent": True,
        "source_language": "en-US",
        "rehearsal": False,
        **fields,
    }
    await page.send(type="start", **message)
    await page.expect(type="state", state="live")


@asynccontextmanager
async def listening(code: str, language: str = "es-ES") -> AsyncIterator[Socket]:
    """A listener's page that has joined, with sound."""
    async with Socket(f"/ws/listen/{code}/").opened() as page:
        await page.send(type="join", language=language, after=None, speech=True)
        await page.expect(type="replayed")
        yield page
