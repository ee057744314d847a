"""Where speech begins and ends, from the voice activity of one frame after another. Pure.

The figures were found by measurement on read speech: shorter silences cut sentences at commas,
longer ones delay every caption.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

FRAME_SAMPLES = 512
FRAMES_PER_SECOND = 16_000 / FRAME_SAMPLES
VOICED = 0.5
"""Voice activity above which a frame may begin speech."""
UNVOICED = 0.35
"""Voice activity below which a frame belongs to a pause."""
START_FRAMES = 3
SPECULATE_FRAMES = round(0.2 * FRAMES_PER_SECOND)
END_FRAMES = round(0.45 * FRAMES_PER_SECOND)
LONGEST_FRAMES = round(12 * FRAMES_PER_SECOND)
SHORTEST_PART_FRAMES = round(4 * FRAMES_PER_SECOND)
"""The first part of a phrase that is too long is at least this long."""
SMOOTHED_FRAMES = 5


@dataclass(frozen=True, slots=True)
class Began:
    """Speech began with frame `start`."""

    start: int


@dataclass(frozen=True, slots=True)
class Paused:
    """Speech may just have ended, with the frame before `end`."""

    end: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """The pause was none."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Frames `[start, end)` are one phrase. With `goes_on`, speech continues at `end`."""

    start: int
    end: int
    goes_on: bool


Boundary = Began | Paused | Resumed | Ended


@dataclass(slots=True)
class Endpointer:
    """Finds the phrases of one stream."""

    _frame: int = 0
    _start: int | None = None
    _voiced_run: int = 0
    _quiet_run: int = 0
    _activity: list[float] = field(default_factory=list)

    @property
    def start(self) -> int | None:
        """First frame of the phrase being spoken, None in silence."""
        return self._start

    @property
    def pausing(self) -> bool:
        """Whether the last frame of a phrase was quiet."""
        return self._quiet_run > 0

    def push(self, activity: float) -> Iterator[Boundary]:
        """Take the voice activity (0–1) of the next frame."""
        self._frame += 1
        if self._start is None:
            self._voiced_run = self._voiced_run + 1 if activity > VOICED else 0
            if self._voiced_run == START_FRAMES:
                self._start = self._frame - START_FRAMES
                self._activity = [1.0] * START_FRAMES
                self._quiet_run = 0
                yield Began(self._start)
            return
        self._activity.append(activity)
        if activity >= UNVOICED:
            if self._quiet_run >= SPECULATE_FRAMES:
                yield Resumed()
            self._quiet_run = 0
        else:
            self._quiet_run += 1
            if self._quiet_run == SPECULATE_FRAMES:
                yield Paused(self._frame - self._quiet_run)
            elif self._quiet_run == END_FRAMES:
                yield self._end(self._frame - self._quiet_run)
                return
        if self._frame - self._start >= LONGEST_FRAMES:
            yield self._split()

    def finish(self) -> Iterator[Boundary]:
        """The stream ends here."""
        if self._start is not None:
            yield self._end(self._frame - self._quiet_run)

    def _end(self, end: int) -> Ended:
        assert self._start is not None
        ended = Ended(self._start, end, goes_on=False)
        self._start = None
        self._voiced_run = 0
        return ended

    def _split(self) -> Ended:
        """Cut where the voice was weakest, the later of two equal places."""
        assert self._start is not None
        weakest = min(
            range(SHORTEST_PART_FRAMES, len(self._activity) - SMOOTHED_FRAMES),
            key=lambda at: (sum(self._activity[at : at + SMOOTHED_FRAMES]), -at),
        )
        cut = weakest + SMOOTHED_FRAMES // 2
        ended = Ended(self._start, self._start + cut, goes_on=True)
        self._start += cut
        self._activity = self._activity[cut:]
        self._quiet_run = min(self._quiet_run, len(self._activity))
        return ended
