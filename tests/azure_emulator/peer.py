"""The avatar's end of WebRTC: its picture, its voice and the data channel's events."""

from __future__ import annotations

import asyncio
import base64
import fractions
import json
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from aiortc import (
    AudioStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
    VideoStreamTrack,
)
from av import AudioFrame, VideoFrame

from tests.azure_emulator.framing import Malformed
from tests.azure_emulator.picture import AUDIO_RATE, Face, Stage, read_colour

FRAMES_PER_SECOND = 20
AUDIO_FRAME_S = 0.02
VIDEO_CLOCK = 90_000
EVENT_CHANNEL = "eventChannel"


class _Clock:
    """Gives the time stamps of a stream, each when it is due."""

    def __init__(self, rate: int, step: int) -> None:
        self._rate = rate
        self._step = step
        self._start: float | None = None
        self._stamp = 0

    async def next(self) -> int:
        now = time.monotonic()
        if self._start is None:
            self._start = now
            return 0
        self._stamp += self._step
        await asyncio.sleep(self._start + self._stamp / self._rate - now)
        return self._stamp


class _Voice(AudioStreamTrack):
    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage
        self._clock = _Clock(AUDIO_RATE, round(AUDIO_RATE * AUDIO_FRAME_S))

    async def recv(self) -> AudioFrame:
        stamp = await self._clock.next()
        samples = self._stage.take(round(AUDIO_RATE * AUDIO_FRAME_S))
        # aiortc's Opus encoder is for two channels.
        both = np.repeat(samples, 2).reshape(1, -1)
        frame = AudioFrame.from_ndarray(both, format="s16", layout="stereo")
        frame.sample_rate = AUDIO_RATE
        frame.pts = stamp
        frame.time_base = fractions.Fraction(1, AUDIO_RATE)
        return frame


class _Film(VideoStreamTrack):
    def __init__(self, stage: Stage, face: Face) -> None:
        super().__init__()
        self._stage = stage
        self._face = face
        self._clock = _Clock(VIDEO_CLOCK, VIDEO_CLOCK // FRAMES_PER_SECOND)

    async def recv(self) -> VideoFrame:
        stamp = await self._clock.next()
        picture = self._face.draw(self._stage.openness, stamp / VIDEO_CLOCK)
        frame = VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = stamp
        frame.time_base = fractions.Fraction(1, VIDEO_CLOCK)
        return frame


class Peer:
    """One peer connection, made from a client's offer."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._channels: list[RTCDataChannel] = []
        self._closed = False

        @self._connection.on("datachannel")
        def remember(channel: RTCDataChannel) -> None:
            if channel.label == EVENT_CHANNEL:
                self._channels.append(channel)

    async def answer(self, video: Mapping[str, Any], avatar: Mapping[str, Any], shrink: int) -> str:
        """The answer to the offer in the `synthesis.video` part of a context, as the SDK gets it.

        Raises Malformed where there is no offer that can be answered.
        """
        try:
            described = video["protocol"]["webrtcConfig"]["clientDescription"]
            offer = RTCSessionDescription(**json.loads(base64.b64decode(described)))
            width, height = _size(video)
        except (KeyError, TypeError, ValueError) as error:
            raise Malformed(f"There is no offer in synthesis.video: {error}.") from error
        background = read_colour(avatar.get("background", {}).get("color", ""))
        face = Face(width // shrink // 2 * 2, height // shrink // 2 * 2, background)
        try:
            await self._connection.setRemoteDescription(offer)
            self._connection.addTrack(_Film(self._stage, face))
            self._connection.addTrack(_Voice(self._stage))
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        except (ValueError, AssertionError) as error:
            raise Malformed(f"The offer cannot be answered: {error}") from error
        local = self._connection.localDescription
        answer = json.dumps({"type": local.type, "sdp": local.sdp})
        return base64.b64encode(answer.encode()).decode()

    def tell(self, event_type: str, offset_ticks: int = 0) -> None:
        """An event on the client's data channel, if it is open."""
        event = {"event": {"eventType": event_type, "offset": offset_ticks}}
        for channel in self._channels:
            if channel.readyState == "open":
                channel.send(json.dumps(event))

    async def close(self) -> bool:
        """Returns whether it was open until now."""
        was_open, self._closed = not self._closed, True
        await self._connection.close()
        return was_open


def _size(video: Mapping[str, Any]) -> tuple[int, int]:
    crop = video.get("format", {}).get("crop")
    if not crop:
        return 1920, 1080
    left, top = (int(crop["topLeft"][each]) for each in "xy")
    right, bottom = (int(crop["bottomRight"][each]) for each in "xy")
    if not (0 <= left < right <= 1920 and 0 <= top < bottom <= 1080):
        raise ValueError("the crop is not within 1920x1080")
    return right - left, bottom - top
