"""The speech synthesis socket: SSML in, audio, visemes and word boundaries out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from tests.azure_emulator.framing import Malformed, Message
from tests.azure_emulator.sockets import Socket
from tests.azure_emulator.ssml import Unspeakable, Utterance, read_ssml
from tests.azure_emulator.voice import Format, Sound, encode, read_format, speak

TICKS_PER_MS = 10_000
CHUNKS_PER_SECOND = 4
DEFAULT_FORMAT = "riff-16khz-16bit-mono-pcm"


class SynthesisSession:
    """One socket; the SDK sends one text after the other through it."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._context: Mapping[str, Any] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._said_s = 0.0

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def handle(self, message: Message) -> None:
        match message.path:
            case "synthesis.context":
                self._context = message.json()
                note_context(self._socket, self._context)
            case "ssml":
                task = asyncio.create_task(self._speak(message, self._context))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case "speech.config" | "telemetry":
                pass
            case path:
                raise Malformed(f"Nobody knows the path {path}.")

    async def _speak(self, message: Message, context: Mapping[str, Any]) -> None:
        audio = context.get("synthesis", {}).get("audio", {})
        try:
            utterance = read_ssml(message.body)
            output = read_format(audio.get("outputFormat", DEFAULT_FORMAT))
        except Unspeakable as problem:
            await self._socket.refuse(str(problem))
            return
        wanted = audio.get("metadataOptions", {})
        record = note_spoken(self._socket, utterance, audio.get("outputFormat", ""))
        sound = await asyncio.to_thread(speak, utterance, output.rate)
        data = await asyncio.to_thread(encode, sound, output)
        await self._answer(message.request_id, sound, data, output, wanted)
        record["done"] = True

    async def _answer(
        self,
        request_id: str,
        sound: Sound,
        data: bytes,
        output: Format,
        wanted: Mapping[str, Any],
    ) -> None:
        socket = self._socket
        tag = f"{socket.connection.number:032x}"
        stream_id = f"{socket.connection.number:032X}"
        await socket.send("turn.start", request_id, {"context": {"serviceTag": tag}})
        await socket.send(
            "response",
            request_id,
            {"context": {"serviceTag": tag}, "audio": {"type": "inline", "streamId": stream_id}},
        )
        if await socket.close_if_due(self._said_s):
            return
        count = max(1, round(sound.duration_ms / 1000 * CHUNKS_PER_SECOND))
        size = -(-len(data) // count)
        events = list(_events(sound, wanted, visemes=not socket.has_fault("no-visemes")))
        for index in range(count) if sound.words and not socket.has_fault("no-audio") else ():
            end_ms = sound.duration_ms * (index + 1) / count
            while events and events[0][0] <= end_ms:
                await socket.send("audio.metadata", request_id, {"Metadata": [events.pop(0)[1]]})
            part = data[index * size : (index + 1) * size]
            await socket.send_audio(request_id, part, stream_id, output.content_type)
            self._said_s += 1 / CHUNKS_PER_SECOND
            if await socket.close_if_due(self._said_s):
                return
        await socket.send_audio(request_id, b"", stream_id, output.content_type)
        end = {"Type": "SessionEnd", "Data": {"Offset": round(sound.duration_ms * TICKS_PER_MS)}}
        await socket.send("audio.metadata", request_id, {"Metadata": [end]})
        await socket.end_turn(request_id)


def note_context(socket: Socket, context: Any) -> None:
    """Keep what a client has set for its connection."""
    connection = socket.connection
    socket.state.contexts.append(
        {"service": connection.service, "key": connection.key, "context": context}
    )


def note_spoken(socket: Socket, utterance: Utterance, output: str) -> dict[str, Any]:
    """Count an utterance as the service does; the record may be changed later."""
    record = {
        "service": socket.connection.service,
        "key": socket.connection.key,
        "connection": socket.connection.number,
        "voice": utterance.voice,
        "language": utterance.language,
        "text": utterance.text,
        "sounds": utterance.sounds,
        "rate": utterance.rate,
        "characters": len(utterance.text),
        "format": output,
        "done": False,
    }
    socket.state.spoken.append(record)
    return record


def _events(
    sound: Sound, wanted: Mapping[str, Any], *, visemes: bool
) -> Iterator[tuple[float, dict[str, Any]]]:
    """What there is to tell beside the audio, by time in ms; each only if the client wants it."""
    found: list[tuple[float, dict[str, Any]]] = []
    if str(wanted.get("wordBoundaryEnabled")).lower() == "true":
        for word in sound.words:
            text = {"Text": word.text, "Length": len(word.text), "BoundaryType": "WordBoundary"}
            data = {
                "Offset": round(word.start_ms * TICKS_PER_MS),
                "Duration": round((word.end_ms - word.start_ms) * TICKS_PER_MS),
                "text": text,
            }
            found.append((word.start_ms, {"Type": "WordBoundary", "Data": data}))
    if visemes and str(wanted.get("visemeEnabled")).lower() == "true":
        for at_ms, viseme in sound.visemes:
            # The SDK keeps a viseme back until one that is the last of its animation.
            offset = round(at_ms * TICKS_PER_MS)
            shape = {"Offset": offset, "VisemeId": viseme, "IsLastAnimation": True}
            found.append((at_ms, {"Type": "Viseme", "Data": shape}))
    yield from sorted(found, key=lambda pair: pair[0])
