"""The voice worker process: one speech after the other, as MP3 with mouth shapes."""

from __future__ import annotations

import queue
import threading
from itertools import dropwhile

from speech_app.audio import duration_ms, mp3
from speech_app.visemes import of_phonemes

from .espeak import Espeak, Utterance
from .espeak_messages import Cancel, Speak, Spoken, Unspoken
from .worker_main import NotAble, Ready, ServerPipe

AUDIBLE = 200
"""Of 32768: samples below are the silence before and after the voice."""
SILENCE_MS = 60
"""Silence left after the voice, so that two speeches do not touch."""


def trimmed(utterance: Utterance, rate: int) -> Utterance:
    """The utterance without the silence before its first sound and most of that after its last."""
    samples = memoryview(utterance.pcm).cast("h")
    first = next((i for i, sample in enumerate(samples) if abs(sample) > AUDIBLE), 0)
    last = next((i for i in range(len(samples) - 1, first, -1) if abs(samples[i]) > AUDIBLE), first)
    end = min(len(samples), last + SILENCE_MS * rate // 1000)
    shift = 1000 * first // rate
    moved = [(max(0, offset - shift), phoneme) for offset, phoneme in utterance.phonemes]
    spoken_ms = 1000 * (end - first) // rate
    return Utterance(
        utterance.pcm[2 * first : 2 * end],
        [(min(offset, spoken_ms), phoneme) for offset, phoneme in moved],
    )


class Voice:
    """What is asked for, and what is not wanted any more."""

    def __init__(self, espeak: Espeak, pipe: ServerPipe) -> None:
        self._espeak = espeak
        self._pipe = pipe
        self._wanted: queue.SimpleQueue[Speak] = queue.SimpleQueue()
        self._numbers: set[int] = set()

    def take(self, message: object) -> None:
        """Carry out what the server sends."""
        match message:
            case Speak():
                self._numbers.add(message.number)
                self._wanted.put(message)
            case Cancel(number):
                self._numbers.discard(number)

    def work(self) -> None:
        """Thread: says one text after the other."""
        while True:
            speak = self._wanted.get()
            if speak.number not in self._numbers:
                continue
            try:
                answer: Spoken | Unspoken | None = self._speak(speak)
            except Exception as error:
                answer = Unspoken(speak.number, str(error))
            if speak.number in self._numbers and answer:
                self._numbers.discard(speak.number)
                self._pipe.send(answer)

    def _speak(self, speak: Speak) -> Spoken | None:
        said = self._espeak.speak(
            speak.text,
            speak.voice,
            speak.words_per_minute,
            lambda: speak.number not in self._numbers,
        )
        if speak.number not in self._numbers:
            return None
        rate = self._espeak.rate
        said = trimmed(said, rate)
        pcm = said.pcm or bytes(2 * SILENCE_MS * rate // 1000)
        length = duration_ms(pcm, rate)
        phonemes = list(dropwhile(lambda phoneme: not phoneme[1].strip(), said.phonemes))
        shapes = of_phonemes(phonemes, length, speak.language)
        return Spoken(speak.number, mp3(pcm, rate), length, shapes)


def main() -> None:
    """Serve the server that started this process until it goes away."""
    pipe = ServerPipe()
    try:
        espeak = Espeak()
    except OSError as error:
        pipe.send(NotAble(f"The built-in voice cannot start on this machine: {error}"))
        return
    voice = Voice(espeak, pipe)
    threading.Thread(target=voice.work, daemon=True).start()
    pipe.send(Ready())
    for message in pipe.received():
        voice.take(message)


if __name__ == "__main__":
    main()
