"""Keeps count of a speaker's audio frames: which came, and which are dealt with."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from speech_app.backends.base import SAMPLE_RATE

HEADER_BYTES = 4
BYTES_PER_SAMPLE = 2
MIN_PCM_BYTES = SAMPLE_RATE // 1000 * BYTES_PER_SAMPLE
MAX_PCM_BYTES = SAMPLE_RATE * BYTES_PER_SAMPLE
MOST_IN_FLIGHT_SAMPLES = 90 * SAMPLE_RATE
"""A page has at most 60 s in flight; half as much again is a client that ignores acks."""


class FrameSize(Exception):
    """Not a frame number and 1–1000 ms of whole samples."""


class FrameGap(Exception):
    """A number above the next one: something between is missing."""


class TooFast(Exception):
    """Far more audio has come than was acknowledged."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A frame, and the samples of the live session up to its end."""

    frame: int
    samples: int


class FrameLedger:
    """Maps samples of the live session to frames, from the last acknowledged frame on."""

    def __init__(self, acked: Mark) -> None:
        self._acked = acked
        self._received: deque[tuple[Mark, float]] = deque()
        self._last = acked
        self._last_came_at = time.monotonic()

    @property
    def next_frame(self) -> int:
        """The first frame that has not come."""
        return self._last.frame + 1

    @property
    def last(self) -> Mark:
        return self._last

    def accept(self, frame: bytes) -> bytes | None:
        """The PCM of the next frame, or None where it came before.

        Raises FrameSize, FrameGap or TooFast; the frame then counts as not received.
        """
        pcm = frame[HEADER_BYTES:]
        if not MIN_PCM_BYTES <= len(pcm) <= MAX_PCM_BYTES or len(pcm) % BYTES_PER_SAMPLE:
            raise FrameSize
        number = int.from_bytes(frame[:HEADER_BYTES], "big")
        if number < self.next_frame:
            return None
        if number > self.next_frame:
            raise FrameGap
        samples = self._last.samples + len(pcm) // BYTES_PER_SAMPLE
        if samples - self._acked.samples > MOST_IN_FLIGHT_SAMPLES:
            raise TooFast
        self._last = Mark(number, samples)
        self._last_came_at = time.monotonic()
        self._received.append((self._last, self._last_came_at))
        return pcm

    def dealt_with(self, samples: int) -> Mark:
        """The last frame that lies wholly before this sample of the session."""
        while self._received and self._received[0][0].samples <= samples:
            self._acked, _ = self._received.popleft()
        return self._acked

    def came_at(self, samples: int) -> float:
        """When the audio up to this sample of the session was here, as `time.monotonic()` says it.

        Only where that audio is not dealt with yet.
        """
        later = (at for mark, at in self._received if mark.samples >= samples)
        return next(later, self._last_came_at)
