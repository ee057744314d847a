"""The speech translation socket: audio in, phrases in every target language out."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from tests.azure_emulator.framing import Malformed, Message
from tests.azure_emulator.hearing import DEFAULT_SEGMENTATION_MS, Hearing, Phrase
from tests.azure_emulator.recordings import SAMPLE_RATE, Script, best_match
from tests.azure_emulator.sockets import Socket

TICKS_PER_MS = 10_000
RIFF_HEADER = 44


class Turn:
    """One recognition, from `speech.context` to the end of its audio."""

    def __init__(
        self,
        request_id: str,
        context: Mapping[str, Any],
        scripts: Sequence[Script],
        strange: itertools.count[int],
    ) -> None:
        detection = context.get("phraseDetection", {})
        pauses = detection.get(detection.get("mode", "").upper(), {}).get("segmentation", {})
        self.request_id = request_id
        self.languages: Sequence[str] = context.get("languageId", {}).get("languages", [])
        self.language: str = detection.get("language", "")
        self.targets: Sequence[str] = context.get("translation", {}).get("targetLanguages", [])
        self.hearing = Hearing(
            scripts,
            int(pauses.get("segmentationSilenceTimeoutMs") or DEFAULT_SEGMENTATION_MS),
            semantic=str(pauses.get("mode", "")).lower() == "semantic",
            strange=strange,
        )
        self.header_seen = False

    def source(self, phrase: Phrase) -> str:
        """The language it is recognised in: a talk is heard in whatever language is listened for.

        With language detection this is the one that is spoken, if it is among the candidates.
        """
        if not self.languages:
            return self.language
        return best_match(phrase.language, self.languages) or self.languages[0]


class TranslationSession:
    """One socket's turns."""

    def __init__(
        self, socket: Socket, scripts: Sequence[Script], strange: itertools.count[int]
    ) -> None:
        self._socket = socket
        self._scripts = scripts
        self._strange = strange
        self._turn: Turn | None = None
        self._audio_ms = 0.0
        self._outgoing: asyncio.Queue[tuple[float, str, str, Mapping[str, Any]]] = asyncio.Queue()
        self._sender = asyncio.create_task(self._send())

    async def end(self) -> None:
        self._sender.cancel()

    async def handle(self, message: Message) -> None:
        match message.path:
            case "speech.context":
                self._begin(message)
            case "audio":
                await self._hear(message)
            case "event":
                self._update(message.json())
            case "speech.config" | "telemetry" | "":
                pass
            case path:
                raise Malformed(f"Nobody knows the path {path}.")
        await self._socket.close_if_due(self._audio_ms / 1000)

    def _begin(self, message: Message) -> None:
        connection = self._socket.connection
        context = message.json()
        self._socket.state.contexts.append(
            {"service": "stt", "key": connection.key, "context": context}
        )
        turn = Turn(message.request_id, context, self._scripts, self._strange)
        if not turn.languages and not turn.language:
            raise Malformed("There is no language to recognise.")
        self._turn = turn
        self._put("turn.start", {"context": {"serviceTag": f"{connection.number:032x}"}})

    async def _hear(self, message: Message) -> None:
        turn = self._turn
        if turn is None or message.request_id != turn.request_id:
            return
        pcm = message.body
        if not pcm:
            self._finish(turn)
            return
        if not turn.header_seen:
            turn.header_seen = True
            if pcm[:4] == b"RIFF":
                self._check_format(pcm)
                pcm = pcm[RIFF_HEADER:]
            self._put("speech.startDetected", {"Offset": 0})
        heard_ms = 1000 * len(pcm) / 2 / SAMPLE_RATE
        self._audio_ms += heard_ms
        self._socket.state.audio_seconds += heard_ms / 1000
        for phrase in turn.hearing.feed(pcm):
            self._tell(turn, phrase)

    def _check_format(self, header: bytes) -> None:
        channels = int.from_bytes(header[22:24], "little")
        rate = int.from_bytes(header[24:28], "little")
        bits = int.from_bytes(header[34:36], "little")
        if (channels, rate, bits) != (1, SAMPLE_RATE, 16):
            raise Malformed(f"The emulator hears 16 kHz mono, not {rate} Hz, {channels} channels.")

    def _finish(self, turn: Turn) -> None:
        for phrase in turn.hearing.finish():
            self._tell(turn, phrase)
        end = turn.hearing.heard_ms * TICKS_PER_MS
        self._put("speech.endDetected", {"Offset": end})
        self._put(
            "translation.response",
            {
                "SpeechPhrase": {
                    "RecognitionStatus": "EndOfDictation",
                    "Offset": end,
                    "Duration": 0,
                    "DisplayText": "",
                },
                "TranslationStatus": "Success",
                "Translations": [],
            },
        )
        self._put("turn.end", {})
        self._turn = None

    def _update(self, event: Any) -> None:
        if not isinstance(event, dict) or event.get("name") != "updateLanguage":
            return
        self._socket.state.updates.append(event["to"])
        if self._turn is not None and not self._socket.has_fault("ignore-update"):
            self._turn.targets = event["to"]

    def _tell(self, turn: Turn, phrase: Phrase) -> None:
        source = turn.source(phrase)
        heard = {
            "Id": f"{phrase.id:032x}",
            "Offset": phrase.start_ms * TICKS_PER_MS,
            "Duration": (phrase.end_ms - phrase.start_ms) * TICKS_PER_MS,
            "Channel": 0,
        }
        if turn.languages:
            heard["PrimaryLanguage"] = {"Language": source, "Confidence": "High"}
        if phrase.final:
            self._socket.state.finals += 1
            spoken = {
                "SpeechPhrase": {
                    **heard,
                    "RecognitionStatus": "Success",
                    "DisplayText": phrase.text(source),
                }
            }
        else:
            self._socket.state.interims += 1
            spoken = {"SpeechHypothesis": {**heard, "Text": phrase.guess(source)}}
        translations = [
            {"Language": target, "Text": phrase.text(target)}
            for target in turn.targets
            if not self._socket.has_fault(f"missing-language-{target}")
        ]
        self._put(
            "translation.response",
            {**spoken, "TranslationStatus": "Success", "Translations": translations},
        )

    def _put(self, path: str, body: Mapping[str, Any]) -> None:
        """Say something, as late as the key asks for."""
        assert self._turn is not None
        late = (self._socket.fault_amount("slow") or 0) * self._audio_ms / 1000
        due = asyncio.get_running_loop().time() + late if late else 0.0
        self._outgoing.put_nowait((due, path, self._turn.request_id, body))

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, path, request_id, body = await self._outgoing.get()
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            if path == "turn.end":
                await self._socket.end_turn(request_id)
            else:
                await self._socket.send(path, request_id, body)
