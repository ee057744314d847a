"""One language of one session in this process: what is handed out, in which order, to whom."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from typing import Any

from sessions_app.database import in_database
from sessions_app.listener import Listener
from sessions_app.messages import After, FinalCaption, Replayed
from sessions_app.metrics import count_deliveries, count_dropped_partials
from sessions_app.models import Translation
from sessions_app.outbox import Frame

logger = logging.getLogger(__name__)

KEPT_FINALS = 200
"""Encoded finals kept per stream, so that a herd of reconnects does not fall on the database."""
REPLAYED_SEGMENTS = 50
_REPLAYS_AT_ONCE = 2
"""Replays read from the database at a time: those who come back after an hour delay no caption."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A segment's newest final, encoded."""

    seq: int
    segment: int
    frame: Frame


class Stream:
    """Follows one language; its task keeps the order. `open` once before anything else."""

    def __init__(self, session: int, language: str) -> None:
        self.session = session
        self.language = language
        self.listeners: set[Listener] = set()
        self.last_seq = 0
        self.opening: asyncio.Task[None] | None = None
        self.idle_since = time.monotonic()
        self._kept: dict[int, Kept] = {}
        self._newest_segment = 0
        self._floor = 0
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._replaying = asyncio.Semaphore(_REPLAYS_AT_ONCE)

    async def open(self) -> None:
        """Read the newest finals, then follow what comes."""
        rows = await in_database(_newest, self.session, self.language, 0, KEPT_FINALS)
        self._floor = rows[0].seq - 1 if len(rows) == KEPT_FINALS else 0
        for kept in rows:
            self._keep(kept)
        self.last_seq = rows[-1].seq if rows else 0
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        for task in (self.opening, self._task):
            if task:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task

    def take(self, message: dict[str, Any]) -> None:
        self._inbox.put_nowait(message)

    def compare(self, stored_seq: int) -> None:
        """The database has given out this seq; fetch what did not come by the channel layer."""
        if stored_seq > self.last_seq:
            self._inbox.put_nowait({"type": "compare", "seq": stored_seq})

    async def replay_for(self, after: After | None) -> tuple[list[Frame], int]:
        """What a listener lacks, in order, and up to which seq it then has everything.

        Waits only where the database must be asked.
        """
        kept = self._since(after)
        if kept is not None:
            return [item.frame for item in kept], self.last_seq
        async with self._replaying:
            if after is None or after.session != self.session:
                return await in_database(
                    last_segments,
                    self.session,
                    self.language,
                    before=None,
                    most=REPLAYED_SEGMENTS,
                )
            rows = await in_database(_newest, self.session, self.language, after.seq, None)
            return [item.frame for item in rows], rows[-1].seq if rows else after.seq

    def _since(self, after: After | None) -> list[Kept] | None:
        """What a listener lacks, where this process has all of that."""
        if after is None or after.session != self.session:
            last = sorted(self._kept.values(), key=lambda kept: kept.segment)[-REPLAYED_SEGMENTS:]
            reaches = self._newest_segment - REPLAYED_SEGMENTS + 1
            whole = not self._floor or (
                last[0].segment == reaches and len(last) == REPLAYED_SEGMENTS
            )
            return last if whole else None
        if after.seq < self._floor:
            return None
        newer = [kept for kept in self._kept.values() if kept.seq > after.seq]
        return sorted(newer, key=lambda kept: kept.seq)

    async def _follow(self) -> None:
        while True:
            message = await self._inbox.get()
            try:
                await self._deliver(message)
            except Exception as error:
                # The database is out of reach: the next comparison asks it again.
                logger.warning(
                    "Session %s, %s: could not read what was missed: %s",
                    self.session,
                    self.language,
                    error,
                )

    async def _deliver(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "compare":
                await self._catch_up(message["seq"])
            case "partial":
                self._hand_out_partial(message["segment"], message["frame"])
            case "final":
                if message["seq"] == self.last_seq + 1:
                    self._hand_out(Kept(message["seq"], message["segment"], message["frame"]))
                else:
                    await self._catch_up(message["seq"])
            case "speech":
                await self._catch_up(message["seq"])
                self._hand_out_speech(message["segment"], message["frame"])

    async def _catch_up(self, seq: int) -> None:
        """Hand out what is stored and did not come, up to this seq at least."""
        if seq <= self.last_seq:
            return
        known = self.last_seq
        rows = await in_database(_newest, self.session, self.language, known, None)
        for kept in rows:
            self._hand_out(kept)
        # A seq that a newer version of the same segment has replaced never comes: say so.
        if len(rows) < max(seq, self.last_seq) - known:
            self.last_seq = max(seq, self.last_seq)
            for listener in tuple(self.listeners):
                listener.complete(self.last_seq, Replayed(seq=self.last_seq).encode())

    def _hand_out(self, kept: Kept) -> None:
        if kept.seq <= self.last_seq:
            return
        self.last_seq = kept.seq
        self._keep(kept)
        handed = [
            listener.final(kept.seq, kept.segment, kept.frame) for listener in tuple(self.listeners)
        ]
        count_deliveries("final", sum(handed))

    def _hand_out_partial(self, segment: int, frame: Frame) -> None:
        if segment <= self._newest_segment:
            return  # overtaken by its own final
        everyone = tuple(self.listeners)
        dropped = sum([listener.partial(segment, frame) for listener in everyone])
        count_deliveries("partial", len(everyone) - dropped)
        count_dropped_partials(dropped)

    def _hand_out_speech(self, segment: int, frame: Frame) -> None:
        handed = [listener.voice(segment, frame) for listener in tuple(self.listeners)]
        count_deliveries("speech", sum(handed))

    def _keep(self, kept: Kept) -> None:
        self._kept[kept.segment] = kept
        self._newest_segment = max(self._newest_segment, kept.segment)
        if len(self._kept) > KEPT_FINALS:
            oldest = min(self._kept.values(), key=lambda item: item.seq)
            self._floor = oldest.seq
            del self._kept[oldest.segment]


def _newest(session: int, language: str, after: int, most: int | None) -> list[Kept]:
    """A stream's captions above `after` by seq; at most the newest `most`."""
    rows = Translation.objects.shown().filter(session=session, language=language, seq__gt=after)
    newest = rows.order_by("-seq")[:most] if most else rows.order_by("-seq")
    return [_kept(row) for row in reversed(newest)]


def _kept(row: Translation) -> Kept:
    caption = FinalCaption.of(row)
    return Kept(caption.seq, caption.segment, caption.encode())


def last_segments(
    session: int, language: str, *, before: int | None, most: int
) -> tuple[list[Frame], int]:
    """The newest segments (below `before`) in spoken order, and the seq they are complete up to."""
    rows = Translation.objects.shown().filter(session=session, language=language)
    highest = rows.order_by("-seq").values_list("seq", flat=True).first() or 0
    if before is not None:
        rows = rows.filter(segment__number__lt=before)
    newest = [_kept(row) for row in reversed(rows.order_by("-segment__number")[:most])]
    # Numbers are given out and stored one after the other: whoever sees one sees those below it.
    return [kept.frame for kept in newest], max([highest, *(kept.seq for kept in newest)])
