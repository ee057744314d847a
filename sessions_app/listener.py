"""One listener's socket: what it wants to hear, and what of it is written when."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from sessions_app.announcements import Announced
from sessions_app.messages import Message
from sessions_app.models.event import ALWAYS_OPEN, Door
from sessions_app.outbox import Frame, Outbox
from sessions_app.sockets import TOO_SLOW

if TYPE_CHECKING:
    from sessions_app.stream import Stream
    from sessions_app.video import Viewer


NOTHING_ANNOUNCED = Announced()


class Listener:
    """Which event it is in, which language of it, and what it has got of that.

    `send(frame)` writes to the socket, `write(frame)` as `Outbox` has it, `close(code)` ends it;
    none is awaited by whoever has something to tell.
    """

    __slots__ = (
        "_close",
        "_held",
        "_outbox",
        "announced",
        "door",
        "event",
        "has_seq",
        "invited",
        "joining",
        "language",
        "place",
        "speech",
        "stream",
        "viewer",
    )

    def __init__(
        self,
        event: int,
        *,
        invited: bool,
        door: Door = ALWAYS_OPEN,
        send: Callable[[Frame], Coroutine[Any, Any, None]],
        close: Callable[[int], None],
        write: Callable[[Frame], bool] | None = None,
    ) -> None:
        self.event = event
        self.invited = invited
        self.door = door
        """What it has passed; once it is sent away, what it has to pass."""
        self.announced = NOTHING_ANNOUNCED
        """What it was told of what the organiser announces."""
        self.language = ""
        self.speech = False
        self.stream: Stream | None = None
        self.has_seq = 0
        self.viewer: Viewer | None = None
        self.joining = False
        self.place = 0
        """Rises whenever it goes elsewhere: what was begun for the old place is then given up."""
        self._outbox = Outbox(send, lambda: self.close(TOO_SLOW), write)
        self._close: Callable[[int], None] | None = close
        self._held: list[Callable[[], object]] | None = None

    def tell(self, message: Message) -> None:
        self.put(message.encode())

    def put(self, frame: Frame) -> None:
        self._outbox.put(frame)

    @property
    def has_joined(self) -> bool:
        """Whether it was told where it is, so that what happens now means something to it."""
        return bool(self.language) and not self.joining

    def hold(self) -> None:
        """Keep what comes until `replay` has said what came before."""
        self._held = []

    def let_go(self) -> None:
        """Nothing came of a replay: forget what was held."""
        self._held = None

    def replay(self, frames: Sequence[Frame], seq: int) -> None:
        """Write these first, then whatever came meanwhile that they did not cover."""
        held, self._held = self._held or [], None
        self._outbox.put_replay(frames)
        self.has_seq = max(self.has_seq, seq)
        for deliver in held:
            deliver()

    def final(self, seq: int, segment: int, frame: Frame) -> bool:
        """Returns whether it is on its way, or was held to be."""
        if self._held is not None:
            self._held.append(lambda: self.final(seq, segment, frame))
        elif seq > self.has_seq:
            self.has_seq = seq
            if self.viewer and self.language not in self.announced.muted:
                self.viewer.take_final(segment, frame)
            self._outbox.put_final(segment, frame)
        else:
            return False
        return True

    def complete(self, seq: int, frame: Frame) -> None:
        """Nothing up to this seq follows any more; `frame` says so."""
        if self._held is not None:
            self._held.append(lambda: self.complete(seq, frame))
        else:
            self.has_seq = max(self.has_seq, seq)
            self._outbox.put_replay([frame])

    def partial(self, segment: int, frame: Frame) -> bool:
        """Returns whether an older partial was dropped for it."""
        return self._held is None and self._outbox.put_partial(segment, frame)

    def voice(self, segment: int, frame: Frame) -> bool:
        """Returns whether it is on its way, or was held to be."""
        if not self.speech:
            return False
        if self._held is not None:
            self._held.append(lambda: self.voice(segment, frame))
        elif not (self.viewer and self.viewer.take_speech(segment, frame)):
            self._outbox.put_voice(frame)
        return True

    def forget(self) -> None:
        """Nothing that was not written yet of what it heard follows."""
        self._outbox.forget()

    def close(self, code: int) -> None:
        """End the socket with this code; nothing more is written to it."""
        if self._close:
            close, self._close = self._close, None
            self._outbox.shut()
            close(code)

    async def end(self) -> None:
        """The socket is gone."""
        self._close = None
        await self._outbox.close()
