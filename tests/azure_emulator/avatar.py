"""The talking avatar's socket: the synthesis socket whose answers come as WebRTC media."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from tests.azure_emulator.framing import Malformed, Message
from tests.azure_emulator.peer import Peer
from tests.azure_emulator.picture import AUDIO_RATE, Stage
from tests.azure_emulator.sockets import Socket
from tests.azure_emulator.ssml import Unspeakable, read_ssml
from tests.azure_emulator.synthesis import note_context, note_spoken
from tests.azure_emulator.voice import speak

TICKS_PER_MS = 10_000
LOOK_EVERY_S = 0.1
STYLES = {
    "harry": {"business", "casual", "youthful"},
    "lisa": {"casual-sitting"},
    "lori": {"casual", "graceful", "formal"},
    "max": {"business", "casual", "formal"},
    "meg": {"business", "casual", "formal"},
    "jeff": {"business", "formal"},
}
"""Prebuilt avatars that can be shown in real time."""


class AvatarSession:
    """One avatar: what it is told to say it says in turn, in real time."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._config: Mapping[str, Any] = {}
        self._stage = Stage()
        self._peer: Peer | None = None
        self._waiting: asyncio.Queue[Message] = asyncio.Queue()
        self._stopped = asyncio.Event()
        self._idle_since: float | None = time.monotonic()
        self._tasks = [asyncio.create_task(self._work()), asyncio.create_task(self._watch())]

    async def handle(self, message: Message) -> None:
        match message.path:
            case "speech.config":
                self._config = message.json().get("context", {})
                note_context(self._socket, self._config)
            case "synthesis.context":
                note_context(self._socket, message.json())
            case "ssml":
                self._waiting.put_nowait(message)
            case "synthesis.control":
                if message.json().get("action") != "stop":
                    raise Malformed("The only action is stop.")
                await self._stop()
            case "telemetry":
                pass
            case path:
                raise Malformed(f"Nobody knows the path {path}.")

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self._close_peer()

    async def _stop(self) -> None:
        """Nothing that was asked for until now is said any more; media go on."""
        self._socket.state.avatar_stops += 1
        self._stopped.set()
        while not self._waiting.empty():
            request_id = self._waiting.get_nowait().request_id
            await self._start_turn(request_id, None)
            await self._socket.end_turn(request_id)

    async def _watch(self) -> None:
        """Ends the connection at its limits, and as the key asks for."""
        limits = self._socket.state.limits
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            age = self._socket.connection.seconds()
            idle = time.monotonic() - self._idle_since if self._idle_since is not None else 0.0
            if idle > limits.avatar_idle_s or age > limits.avatar_connection_s:
                await self._socket.close(1000, b"Idle or time limit reached.")
            lost_after = self._socket.fault_amount("lost-peer")
            if lost_after is not None and age >= lost_after:
                await self._close_peer()
            await self._socket.close_if_due(age)

    async def _close_peer(self) -> None:
        if self._peer is not None and await self._peer.close():
            self._socket.state.peers_open -= 1

    async def _work(self) -> None:
        while True:
            message = await self._waiting.get()
            self._idle_since = None
            self._stopped.clear()
            try:
                await self._perform(message)
            except (Malformed, Unspeakable) as problem:
                await self._socket.refuse(str(problem))
            self._idle_since = time.monotonic()

    async def _perform(self, message: Message) -> None:
        utterance = read_ssml(message.body)
        answer = None
        if self._peer is None and not self._socket.has_fault("no-answer"):
            answer = await self._connect()
        await self._start_turn(message.request_id, answer)
        if utterance.text:
            record = note_spoken(self._socket, utterance, "webrtc")
            sound = await asyncio.to_thread(speak, utterance, AUDIO_RATE)
            await self._signal(message.request_id, "SwitchedToSpeaking", 0)
            self._stage.play(sound.samples)
            try:
                async with asyncio.timeout(sound.duration_ms / 1000):
                    await self._stopped.wait()
            except TimeoutError:
                record["done"] = True
            self._stage.stop()
            await self._signal(message.request_id, "SwitchedToIdle", round(sound.duration_ms))
        if self._peer is not None:
            self._peer.tell("EVENT_TYPE_SESSION_END")
        await self._socket.end_turn(message.request_id)

    async def _connect(self) -> str:
        """Raises Malformed where the client's configuration has no avatar that can be shown."""
        synthesis = self._config.get("synthesis", {})
        video = synthesis.get("video", {})
        avatar = video.get("talkingAvatar", {})
        known = STYLES.get(avatar.get("character", ""), set())
        own = avatar.get("customized") or avatar.get("photoAvatarBaseModel")
        if not own and avatar.get("style") not in known:
            raise Malformed("There is no such avatar character and style.")
        state = self._socket.state
        peer = Peer(self._stage)
        self._peer = peer
        state.peers_open += 1
        state.peers_opened += 1
        return await peer.answer(video, avatar, state.limits.avatar_shrink)

    async def _start_turn(self, request_id: str, answer: str | None) -> None:
        context = {"context": {"serviceTag": f"{self._socket.connection.number:032x}"}}
        webrtc = {} if answer is None else {"webrtc": {"connectionString": answer}}
        await self._socket.send("turn.start", request_id, {**context, **webrtc})
        await self._socket.send("response", request_id, {**context, "audio": {"type": "inline"}})
        if self._peer is not None:
            self._peer.tell("EVENT_TYPE_TURN_START")

    async def _signal(self, request_id: str, name: str, offset_ms: int) -> None:
        ticks = offset_ms * TICKS_PER_MS
        signal = {"Type": "TalkingAvatarSignal", "Data": {"Offset": ticks, "Name": name}}
        await self._socket.send("audio.metadata", request_id, {"Metadata": [signal]})
        if self._peer is not None:
            switch = {"SwitchedToSpeaking": "SPEAKING", "SwitchedToIdle": "IDLE"}[name]
            self._peer.tell(f"EVENT_TYPE_SWITCH_TO_{switch}", ticks)
