"""Speaks at an event with a recording, over the same socket as the speaker's page."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

CHUNK_MS = 100
MOST_IN_FLIGHT_MS = 60_000
MIN_FRAME_BYTES = 32
"""1 ms of audio."""
RECONNECT_ON = {1001, 1005, 1006, 1011, 1012, 1013, 1014, 4408}
TOO_MANY = 4429
PASSING = {"overloaded", "backend_down", "storage_down", "internal"}
"""What may be over in a while, so that a session that had begun tries again."""
TRIES = 12
LONGEST_WAIT_S = 15.0
ENDS_WITHIN_S = 60


class PlaybackFailed(Exception):
    """The recording could not be played to its end; the text says why and what helps."""


class _NotNow(Exception):
    """The server cannot go on with the session at the moment."""


class Playback:
    """Plays chunks of `CHUNK_MS` at their own speed, keeps what the server has not acknowledged,
    and sends it again after a lost connection.

    `url` is the speaker's socket; `say` gets a line at a time of what happens and what was heard.
    """

    def __init__(
        self,
        url: str,
        chunks: Iterator[bytes],
        *,
        source_language: str,
        rehearsal: bool,
        say: Callable[[str], None],
    ) -> None:
        self._url = url
        self._chunks = chunks
        self._say = say
        self._start = {
            "type": "start",
            "client": secrets.token_urlsafe(12),
            "take_over": False,
            "consent": True,
            "source_language": source_language,
            "rehearsal": rehearsal,
        }
        self._session: int | None = None
        self._started = asyncio.Event()
        self._ended = asyncio.Event()
        self._stopping = asyncio.Event()
        self._progress = asyncio.Event()
        # Frames from number `_first` on; the first `_sent` of them went over this connection.
        self._frames: deque[bytes] = deque()
        self._first = 0
        self._sent = 0
        self._due = 0.0
        self._asked_for_end = False
        self._problem = ""
        self._retry_after_s = LONGEST_WAIT_S
        self._shown: set[tuple[int, str]] = set()

    def stop(self) -> None:
        """Play no further; what was said is finished and the session ended."""
        self._stopping.set()

    async def run(self) -> None:
        """Go live, play, end the session. Raises PlaybackFailed."""
        tries = 0
        while True:
            try:
                async with connect(self._url, proxy=None, max_size=None) as socket:
                    await self._speak(socket)
                return
            except ConnectionClosed as closed:
                delay = self._wait_after(closed.rcvd.code if closed.rcvd else 1006)
                tries = 0 if self._started.is_set() else tries
            except InvalidHandshake as error:
                # A proxy whose server is gone for a moment answers in its place.
                if self._session is None:
                    raise PlaybackFailed(
                        "What answers there is not this product's server."
                    ) from error
                delay = None
            except ssl.SSLError as error:
                if self._session is None:
                    raise PlaybackFailed(_about_tls(error)) from error
                delay = None
            except (OSError, TimeoutError) as error:
                if self._session is None:
                    raise PlaybackFailed("No server answers there. Is it running?") from error
                delay = None
            except _NotNow:
                delay = None
            tries += 1
            if tries > TRIES or self._stopping.is_set():
                raise PlaybackFailed("The connection to the server is lost.")
            if tries == 1:
                self._say("The connection is lost; trying again.")
            longest = min(LONGEST_WAIT_S, 0.3 * 2**tries)
            delay = delay or random.uniform(longest / 2, longest)  # noqa: S311 (spreads retries)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)

    def _wait_after(self, code: int) -> float | None:
        if code == TOO_MANY:
            return self._retry_after_s
        if code not in RECONNECT_ON:
            reason = self._problem or f"The server closed the connection ({code})."
            raise PlaybackFailed(reason)
        return None

    async def _speak(self, socket: ClientConnection) -> None:
        self._started.clear()
        reader = asyncio.create_task(self._read(socket))
        player = asyncio.create_task(self._play(socket))
        try:
            await asyncio.wait({reader, player}, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in (reader, player):
                task.cancel()
        # What the server said last explains a closed connection best.
        for outcome in await asyncio.gather(reader, player, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _read(self, socket: ClientConnection) -> None:
        """Follow what the server says until it has ended the session."""
        while not self._ended.is_set():
            message = json.loads(await socket.recv())
            match message["type"]:
                case "ready":
                    self._check_session(message["session"])
                    if not self._ended.is_set():
                        await socket.send(json.dumps(self._start))
                case "state":
                    self._follow_state(message)
                case "ack":
                    self._forget(message["frame"])
                case "caption":
                    self._show(message)
                case "problem":
                    self._take_problem(message)

    def _check_session(self, running: dict[str, Any] | None) -> None:
        if self._session is None or (running and running["id"] == self._session):
            return
        if self._asked_for_end:
            self._ended.set()
        else:
            raise PlaybackFailed("The session was ended while the connection was lost.")

    def _follow_state(self, message: dict[str, Any]) -> None:
        if message["state"] == "ended":
            self._ended.set()
        elif message["state"] == "paused":
            raise PlaybackFailed("The session was paused by somebody else.")
        else:
            if self._session is None:
                self._session, self._first = message["session"], message["next_frame"]
                self._say("Live.")
            else:
                self._forget(message["next_frame"] - 1)
                self._say("Connected again.")
            self._sent = 0
            self._started.set()
        self._progress.set()

    def _forget(self, number: int) -> None:
        """Everything up to this frame needs no sending again."""
        while self._frames and self._first <= number:
            self._frames.popleft()
            self._first += 1
            self._sent = max(0, self._sent - 1)
        self._progress.set()

    def _take_problem(self, message: dict[str, Any]) -> None:
        known, self._problem = self._problem, message["message"]
        self._retry_after_s = message.get("retry_after_s", LONGEST_WAIT_S)
        if not self._started.is_set() and not message.get("retry_after_s"):
            if self._session is None or message["code"] not in PASSING:
                raise PlaybackFailed(self._problem)
            if self._problem != known:
                self._say(f"Problem: {self._problem}")
            raise _NotNow
        self._say(f"Problem: {self._problem}")
        if message.get("next_frame") is not None:
            self._sent = max(0, min(self._sent, message["next_frame"] - self._first))

    def _show(self, caption: dict[str, Any]) -> None:
        if not caption["final"]:
            return
        texts = {"": caption["source"], **caption["translations"]}
        for language, text in texts.items():
            line = (caption["segment"], language)
            if line in self._shown:
                continue
            self._shown.add(line)
            if self._session is not None:  # else it was said before this recording
                shown = "(no translation)" if text is None else text
                self._say(f"  {language}  {shown}" if language else f"▸ {shown}")

    async def _play(self, socket: ClientConnection) -> None:
        """Send what is unsent, then new audio when its time has come, then the end."""
        await self._started.wait()
        loop = asyncio.get_running_loop()
        while not self._ended.is_set():
            if self._sent == len(self._frames) and not await self._take_chunk(loop):
                break
            if self._sent * CHUNK_MS >= MOST_IN_FLIGHT_MS:
                self._progress.clear()
                await self._progress.wait()
                continue
            number = self._first + self._sent
            self._sent += 1
            await socket.send(number.to_bytes(4, "big") + self._frames[self._sent - 1])
        if not self._ended.is_set():
            self._asked_for_end = True
            await socket.send(json.dumps({"type": "end"}))
            try:
                await asyncio.wait_for(self._ended.wait(), ENDS_WITHIN_S)
            except TimeoutError:
                raise PlaybackFailed("The server did not confirm the end.") from None

    async def _take_chunk(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Wait for the next piece of the recording to be due; False where playing is over."""
        # After a lost connection it goes on where it was, rather than catching up.
        self._due = max(self._due + CHUNK_MS / 1000, loop.time() - 1)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), max(0.0, self._due - loop.time()))
        chunk = None if self._stopping.is_set() else next(self._chunks, None)
        if chunk is None:
            return False
        self._frames.append(chunk.ljust(MIN_FRAME_BYTES, b"\0"))
        return True


def _about_tls(error: ssl.SSLError) -> str:
    """What is wrong with a server's TLS, for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message.rstrip(".")
        return (
            f"The server's certificate is not trusted here: {reason}. Give the address the "
            "certificate is made for, or name the file of the authority that signed it in "
            "SSL_CERT_FILE."
        )
    return "What answers there speaks no TLS. Is it http:// rather than https://?"
