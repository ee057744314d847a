"""The recognition worker as the server sees it: streams that outlive the worker's death."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable

from sessions_app import metrics
from speech_app.backends.base import BackendDown

from .recognition_messages import (
    Audio,
    Close,
    Finish,
    Finished,
    Heard,
    Hearing,
    Open,
    Quiet,
    Result,
)
from .worker_process import WorkerProcess

logger = logging.getLogger(__name__)

BYTES_PER_SAMPLE = 2


class RecognitionStream:
    """One speaker's audio and what was heard in it.

    The audio since the last phrase or silence is kept, so that a new worker can hear it again:
    nothing said is lost and, as a phrase's audio goes when its words come, none is doubled.
    """

    MOST_KEPT = 10 * 60 * 16_000 * BYTES_PER_SAMPLE
    """Bytes kept for a worker that does not come back."""

    def __init__(
        self, recognition: Recognition, stream: int, on_result: Callable[[Result | Lost], None]
    ) -> None:
        self._recognition = recognition
        self.id = stream
        self.on_result = on_result
        self.kept = bytearray()
        self.kept_from = 0
        self.finishing = False
        self.unanswered_since: float | None = None
        self.unanswered_bytes = 0
        self.worker: WorkerProcess | None = None

    def feed(self, pcm: bytes) -> None:
        """Take audio; never blocks."""
        self.kept += pcm
        if len(self.kept) > self.MOST_KEPT:
            self.forget_until(self.kept_from + self.MOST_KEPT // BYTES_PER_SAMPLE // 2)
            self.on_result(Lost())
        self._recognition.send(self, Audio(self.id, pcm))

    def finish(self) -> None:
        """No more audio comes: `Finished` follows the last words."""
        self.finishing = True
        self._recognition.send(self, Finish(self.id))

    def close(self) -> None:
        """Forget the stream; no result follows."""
        self._recognition.forget(self)

    def answered(self) -> None:
        """The worker owes nothing at the moment."""
        self.unanswered_since = None
        self.unanswered_bytes = 0

    def forget_until(self, sample: int) -> None:
        """Stop keeping audio before this position."""
        if sample > self.kept_from:
            del self.kept[: BYTES_PER_SAMPLE * (sample - self.kept_from)]
            self.kept_from = sample


class Lost:
    """The worker died again and again on this audio, which is given up."""


class Recognition:
    """The worker process of all streams: started on first use, restarted, stopped when idle."""

    IDLE_SECONDS = 180.0
    STUCK_SECONDS = 30.0
    """A worker that owes an answer for so long is killed; it needs at most 2 s for the longest
    phrase."""
    OWED_AFTER_BYTES = 15 * 16_000 * BYTES_PER_SAMPLE
    """So much audio brings an answer whatever is in it: a phrase has 12 s at most, and silence
    is told each second. Less may be half a phrase whose speaker's connection is gone."""
    LOOK_EVERY_SECONDS = 1.0
    MOST_DEATHS = 3
    """After so many deaths with no word or silence between them the audio is to blame."""
    LONGEST_RETRY_SECONDS = 10.0

    def __init__(self) -> None:
        self._streams: dict[int, RecognitionStream] = {}
        self._ids = itertools.count(1)
        self._worker: WorkerProcess | None = None
        self._starting = asyncio.Lock()
        self._restart: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._looking: asyncio.TimerHandle | None = None
        self._stop: asyncio.Task[None] | None = None
        self._deaths = 0

    @property
    def pid(self) -> int | None:
        """Process id of the worker, None while there is none."""
        return self._worker.pid if self._worker else None

    async def open(self, on_result: Callable[[Result | Lost], None]) -> RecognitionStream:
        """A new stream, its first sample at position 0. Raises BackendDown."""
        await self._start()
        stream = RecognitionStream(self, next(self._ids), on_result)
        self._streams[stream.id] = stream
        self._send_kept(stream)
        if self._looking is None:
            self._look_again()
        return stream

    def send(self, stream: RecognitionStream, message: Audio | Finish) -> None:
        """Hand audio on; what a missing worker does not get it gets when it is back."""
        if self._worker is None or stream.worker is not self._worker:
            return
        if stream.unanswered_since is None or isinstance(message, Finish):
            stream.unanswered_since = asyncio.get_running_loop().time()
        if isinstance(message, Audio):
            stream.unanswered_bytes += len(message.pcm)
        self._worker.send(message)

    def forget(self, stream: RecognitionStream) -> None:
        """Drop a stream and, some time after the last one, the worker."""
        if self._streams.pop(stream.id, None) is None:
            return
        if self._worker:
            self._worker.send(Close(stream.id))
        if not self._streams:
            self._idle = asyncio.get_running_loop().call_later(self.IDLE_SECONDS, self._stop_idle)

    async def close(self) -> None:
        """Stop the worker."""
        for timer in (self._idle, self._looking):
            if timer:
                timer.cancel()
        if self._restart:
            self._restart.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._restart
        if self._stop:
            await self._stop
        self._streams.clear()
        if self._worker:
            worker, self._worker = self._worker, None
            await worker.stop()

    async def _start(self) -> None:
        async with self._starting:
            if self._idle:
                self._idle.cancel()
                self._idle = None
            if self._worker is None:
                worker = WorkerProcess(
                    "speech_app.backends.embedded.recognition_worker",
                    self._on_value,
                    self._on_end,
                )
                await worker.start()
                self._worker = worker

    def _stop_idle(self) -> None:
        if not self._streams and self._worker:
            worker, self._worker = self._worker, None
            self._stop = asyncio.create_task(worker.stop())

    def _send_kept(self, stream: RecognitionStream) -> None:
        if self._worker is None or stream.worker is self._worker:
            return
        stream.worker = self._worker
        stream.answered()
        self._worker.send(Open(stream.id, stream.kept_from))
        if stream.kept:
            self.send(stream, Audio(stream.id, bytes(stream.kept)))
        if stream.finishing:
            self.send(stream, Finish(stream.id))

    def _look_again(self) -> None:
        loop = asyncio.get_running_loop()
        self._looking = loop.call_later(self.LOOK_EVERY_SECONDS, self._look_for_a_hang)

    def _look_for_a_hang(self) -> None:
        self._looking = None
        if not self._streams:
            return
        if self._worker and any(self._is_owed(stream) for stream in self._streams.values()):
            logger.warning("the recognition worker hangs and is killed")
            for stream in self._streams.values():
                stream.answered()
            self._worker.kill()
        self._look_again()

    def _is_owed(self, stream: RecognitionStream) -> bool:
        """Whether the worker should have answered this stream long ago."""
        if stream.worker is not self._worker or stream.unanswered_since is None:
            return False
        waited = asyncio.get_running_loop().time() - stream.unanswered_since
        owed = stream.finishing or stream.unanswered_bytes > self.OWED_AFTER_BYTES
        return owed and waited > self.STUCK_SECONDS

    def _on_value(self, value: object) -> None:
        assert isinstance(value, Hearing | Heard | Quiet | Finished)
        stream = self._streams.get(value.stream)
        if stream is None:
            return
        stream.answered()
        match value:
            case Heard(end=end):
                stream.forget_until(end)
                self._deaths = 0
            case Quiet(_, until):
                stream.forget_until(until)
                self._deaths = 0
            case _:
                pass
        stream.on_result(value)

    def _on_end(self) -> None:
        self._worker = None
        if not self._streams:
            return
        logger.warning("the recognition worker died and is started again")
        metrics.count_worker_restart("recognition")
        self._deaths += 1
        if self._deaths >= self.MOST_DEATHS:
            for stream in list(self._streams.values()):
                if stream.kept:
                    stream.forget_until(stream.kept_from + len(stream.kept) // BYTES_PER_SAMPLE)
                    stream.on_result(Lost())
        self._restart = asyncio.create_task(self._start_again())

    async def _start_again(self) -> None:
        wait = 0.0 if self._deaths < self.MOST_DEATHS else 1.0
        while self._streams:
            await asyncio.sleep(wait)
            try:
                await self._start()
            except BackendDown:
                logger.exception("the recognition worker does not start")
                wait = min(max(1.0, 2 * wait), self.LONGEST_RETRY_SECONDS)
                continue
            for stream in self._streams.values():
                self._send_kept(stream)
            return
