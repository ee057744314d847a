"""How a listener's socket reaches video avatars, which need a backend and so live in speech_app."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from sessions_app.listener import Listener
    from sessions_app.models import Avatar, Event
    from sessions_app.outbox import Frame


class Viewer(Protocol):
    """One listener's video, from the wish for it to its end; it tells the listener how it stands.

    The listener shows it every final caption and every speech of its language.
    """

    async def want(self) -> None:
        """Queue for a seat, unless there is one already."""

    async def offer(self, ticket: str, sdp: str) -> None:
        """Connect the page: its SDP offer, as base64 of JSON. Raises BadMessage."""

    async def play(self, behind_ms: int) -> None:
        """The page shows the video; what it still has to say by other means takes so long."""

    async def leave(self, reason: str, *, unheard: bool = False) -> None:
        """End the video, if there is one; speech that it has not spoken comes as audio.

        `unheard`: the page lost the video earlier than it could say so.
        """

    def take_final(self, segment: int, frame: Frame) -> None:
        """A final caption has come."""

    def take_speech(self, segment: int, frame: Frame) -> bool:
        """Whether the video speaks this segment, so that its audio need not be sent."""


class VideoDesk(Protocol):
    """Where a process's viewers are looked after."""

    def offers(self, event: Event, avatar: Avatar) -> bool:
        """Whether listeners of this event may ask for this avatar's video. Reads no database."""

    def viewer(self, listener: Listener, event: Event) -> Viewer: ...


class Videos:
    """Whoever can show video avatars registers its desk here, once, when Django starts."""

    _here: ClassVar[Callable[[], VideoDesk] | None] = None

    @classmethod
    def provide(cls, here: Callable[[], VideoDesk]) -> None:
        """`here()` gives the desk of the running event loop."""
        cls._here = here

    @classmethod
    def here(cls) -> VideoDesk | None:
        return cls._here() if cls._here else None
