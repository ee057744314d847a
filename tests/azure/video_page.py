"""A listener's browser without the browser: the page's end of an avatar's WebRTC connection."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json

import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame

LOUD = 500
"""Of 32 768: far above the noise of silence that was encoded."""


class VideoPage:
    """Offers, takes the answer and counts what comes."""

    def __init__(self) -> None:
        self.frames = 0
        self.loud_frames = 0
        self.events: list[str] = []
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._tasks: list[asyncio.Task[None]] = []
        self._peer.addTransceiver("video", direction="recvonly")
        self._peer.addTransceiver("audio", direction="recvonly")
        self._channel: RTCDataChannel = self._peer.createDataChannel("eventChannel")
        self._channel.on("message", self._told)
        self._peer.on("track", self._follow)

    @property
    def ended(self) -> bool:
        """Whether the other side has closed."""
        return self._peer.connectionState in ("closed", "failed")

    async def offer(self) -> str:
        """SDP with all candidates, as base64 of JSON."""
        await self._peer.setLocalDescription(await self._peer.createOffer())
        local = self._peer.localDescription
        return base64.b64encode(
            json.dumps({"type": local.type, "sdp": local.sdp}).encode()
        ).decode()

    async def accept(self, answer: str) -> None:
        await self._peer.setRemoteDescription(
            RTCSessionDescription(**json.loads(base64.b64decode(answer)))
        )

    async def close(self) -> None:
        await self._peer.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _told(self, message: str) -> None:
        self.events.append(json.loads(message)["event"]["eventType"])

    def _follow(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.create_task(self._receive(track)))

    async def _receive(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if isinstance(frame, VideoFrame):
                    self.frames += 1
                elif isinstance(frame, AudioFrame):
                    self.loud_frames += int(np.abs(frame.to_ndarray()).max() > LOUD)
