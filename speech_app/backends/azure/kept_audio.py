"""The audio of a session that is not dealt with yet, and what can be told of it by itself. Pure."""

from __future__ import annotations

from array import array
from collections import deque
from dataclasses import dataclass

from speech_app.backends.base import SAMPLE_RATE

BYTES_PER_SAMPLE = 2
BLOCK_SAMPLES = SAMPLE_RATE // 20
LOUD_FROM = 100
"""Mean amplitude (of 32 768) that may be speech: about -50 dBFS, below any usable microphone."""
ABOVE_FLOOR = 2.0
"""Speech stands out by this factor (6 dB) from the steady noise of a room."""
FLOOR_BLOCKS = 200
"""The quietest of so many blocks (10 s) is the room: people pause between words within that."""
UPLOAD_SPEED = 2
"""Audio that comes all at once is taken in at twice the speed it was spoken (SDK reference)."""


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of audio: `[start, end)` in samples, and when the service can have it at best."""

    start: int
    end: int
    loud: bool
    due: float


class KeptAudio:
    """PCM from the first sample that is not dealt with to the newest; positions are in samples."""

    def __init__(self) -> None:
        self.start = 0
        self.end = 0
        self._pcm = bytearray()
        self._blocks: deque[Block] = deque()
        self._levels: deque[float] = deque(maxlen=FLOOR_BLOCKS)
        self._due = 0.0

    def add(self, pcm: bytes, now: float) -> None:
        """Keep what was said until `now` (seconds of a steady clock)."""
        self._pcm += pcm
        samples = array("h", pcm)
        for position in range(0, len(samples), BLOCK_SAMPLES):
            block = samples[position : position + BLOCK_SAMPLES]
            level = sum(map(abs, block)) / len(block)
            self._levels.append(level)
            self._due = max(now, self._due + len(block) / SAMPLE_RATE / UPLOAD_SPEED)
            start = self.end + position
            floor = min(self._levels) if len(self._levels) == FLOOR_BLOCKS else 0.0
            loud = level > max(LOUD_FROM, ABOVE_FLOOR * floor)
            self._blocks.append(Block(start, start + len(block), loud, self._due))
        self.end += len(samples)

    def between(self, start: int, end: int) -> bytes:
        """PCM of this stretch, as far as it is kept."""
        first = max(0, start - self.start) * BYTES_PER_SAMPLE
        last = max(0, end - self.start) * BYTES_PER_SAMPLE
        return bytes(self._pcm[first:last])

    def forget_before(self, sample: int, *, echo: int = 0) -> None:
        """Everything before this sample is dealt with, and so much sound after it is its echo."""
        sample = min(sample, self.end)
        if sample > self.start:
            del self._pcm[: (sample - self.start) * BYTES_PER_SAMPLE]
            self.start = sample
        while self._blocks and self._blocks[0].start < sample + echo:
            self._blocks.popleft()

    def first_loud(self) -> int | None:
        """Where something begins that may be speech."""
        return next((block.start for block in self._blocks if block.loud), None)

    def loud_samples(self, until: int) -> int:
        """How much before this sample may be speech."""
        return sum(
            block.end - block.start for block in self._blocks if block.loud and block.end <= until
        )

    def behind(self, sample: int, now: float) -> float:
        """Seconds since the service could have known the audio up to this sample."""
        for block in self._blocks:
            if block.end >= sample:
                return max(0.0, now - block.due)
        return max(0.0, now - self._due)
