"""Azure's photoreal avatars: one connection for each viewer."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from urllib.parse import urlsplit

import azure.cognitiveservices.speech as sdk
import httpx

from sessions_app.messages import IceServer
from speech_app.backends.base import (
    BackendDown,
    BackendError,
    GlossaryEntry,
    VideoKey,
    VideoLook,
    VideoRefused,
)

from .authorization import Authorization
from .credentials import Credentials
from .ice_servers import IceServers
from .refusals import refusal
from .ssml import build_ssml
from .video_connection import VideoConnection
from .voice_connection import SynthesisFailed

logger = logging.getLogger(__name__)

GREEN = "#00FF00FF"
"""The page makes it transparent: WebRTC carries no transparency."""
CROP = {"topLeft": {"x": 600, "y": 0}, "bottomRight": {"x": 1320, "y": 1080}}
"""Head and shoulders of the full frame of 1920 by 1080."""
BITS_PER_SECOND = 1_000_000
SAID_WITHIN_S = 20.0
SECONDS_PER_CHARACTER = 0.2
"""Three times as long as a voice takes: only what hangs is cut off."""
STOPS_WITHIN_S = 5.0


def build_context(look: VideoLook, offer: str, ice_servers: Sequence[IceServer]) -> str:
    """What the service is told in `speech.config`, as JSON."""
    avatar = {
        "customized": bool(look.custom_id),
        "character": look.custom_id or look.character,
        "style": look.style,
        "background": {"color": GREEN if look.transparent else look.background_colour},
        "useBuiltInVoice": look.use_built_in_voice,
    }
    video = {
        "protocol": {
            "name": "WebRTC",
            "webrtcConfig": {
                "clientDescription": offer,
                "iceServers": [
                    {**asdict(server), "urls": list(server.urls)} for server in ice_servers
                ],
            },
        },
        "format": {"bitrate": BITS_PER_SECOND, **({"crop": CROP} if look.crop else {})},
        "talkingAvatar": avatar,
    }
    return json.dumps({"synthesis": {"video": video}})


class AzureVideoAvatar:
    """`VideoAvatar` whose only viewer is the one that made the offer."""

    answer: str

    def __init__(self, key: VideoKey, look: VideoLook) -> None:
        self.lost = asyncio.Event()
        self._key = key
        self._voice = look.voice
        self._connection: VideoConnection | None = None

    async def connect(self, connection: VideoConnection) -> None:
        """Raises VideoRefused or BackendDown."""
        self._connection = connection
        try:
            self.answer = await connection.connect()
        except SynthesisFailed as error:
            raise _in_words(error) from None

    async def speak(
        self, segment: int, text: str, rate: float, glossary: Sequence[GlossaryEntry]
    ) -> None:
        """Say it; returns when it has been said. Raises BackendError."""
        if self.lost.is_set() or self._connection is None:
            raise BackendDown("The video has ended.")
        ssml = build_ssml(text, self._key.language, self._voice, rate, glossary)
        saying = asyncio.ensure_future(self._connection.say(ssml))
        try:
            await asyncio.wait([saying], timeout=SAID_WITHIN_S + SECONDS_PER_CHARACTER * len(text))
            if not saying.done():
                await self.interrupt()
                await asyncio.wait([saying], timeout=STOPS_WITHIN_S)
            if not saying.done():
                self.lost.set()
                raise BackendDown("The video does not answer any more.")
            saying.result()
        except SynthesisFailed as error:
            raise _in_words(error) from None
        finally:
            saying.cancel()

    async def interrupt(self) -> None:
        """Stop what is being said; the connection stays."""
        if self._connection:
            await self._connection.interrupt()

    async def close(self) -> None:
        """Close the connection, and wait until it is."""
        self.lost.set()
        if self._connection:
            await asyncio.shield(asyncio.wrap_future(self._connection.close()))


class AzureVideoAvatars:
    """`VideoAvatars` on one Azure Speech resource."""

    def __init__(
        self,
        credentials: Credentials,
        connect: Callable[[], tuple[httpx.AsyncClient, Authorization]],
    ) -> None:
        self.resource = urlsplit(credentials.avatar_url).netloc
        self._url = credentials.avatar_url
        self._scrub = credentials.scrub
        self._connect = connect
        self._ice_servers = IceServers(credentials, connect)
        self._closing: set[asyncio.Task[None]] = set()

    async def ice_servers(self) -> Sequence[IceServer]:
        """What a viewer's browser needs to reach the video. Raises BackendDown."""
        return await self._ice_servers.current()

    async def take_seat(self, key: VideoKey, look: VideoLook, offer: str) -> AzureVideoAvatar:
        """Connect a viewer. Raises VideoRefused or BackendDown."""
        if not look.voice and not look.use_built_in_voice:
            raise BackendDown(f"There is no voice for {key.language}.")
        _, authorization = self._connect()
        access = await authorization.current()
        context = build_context(look, offer, await self.ice_servers())
        avatar = AzureVideoAvatar(key, look)
        connection = VideoConnection(
            self._url, access, context, scrub=self._scrub, lost=avatar.lost.set
        )
        try:
            await avatar.connect(connection)
        except BaseException:
            # Its thread goes on by itself: who waits here must not wait for it.
            closing = asyncio.create_task(avatar.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
            raise
        return avatar


def _in_words(error: SynthesisFailed) -> BackendError:
    logger.warning("The avatar of Azure has failed: %s", error)
    words = refusal(error.code, error.details)
    busy = refusal(sdk.CancellationErrorCode.TooManyRequests, "")
    return VideoRefused(words) if words == busy else BackendDown(words)
