"""From audio to phrases: what the emulated recogniser understands. Pure.

A part of a known recording is recognised wherever it begins, as often as it comes and however it
is cut; a word counts as heard when its sound arrived. Other speech is noticed by its loudness and
becomes "Unscripted speech n.". Time is counted in the audio that arrived, never by the clock.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tests.azure_emulator.recordings import (
    FRAME_MS,
    FRAME_SAMPLES,
    SPEECH_DB,
    Levels,
    Script,
    Sentence,
    Word,
    best_match,
    fits,
    is_spaced,
    levels,
    locate,
)

TICK_FRAMES = 5
"""A look is taken at every 100 ms of audio."""
LOOK_FRAMES = 100
"""The longest stretch that is searched for: 2 s. The shortest is half of it."""
CHECK_FRAMES = 50
CONFIRM_FRAMES = 45
CONFIRMED = 0.85
"""The first 0.9 s of a phrase have to correlate with its script so much."""
STRANGE_MS = 3000
"""Speech that is not recognised for so long is in no script."""
CLICK_MS = 200
"""Less sound than this is no speech."""
MAX_PHRASE_MS = 30_000
DEFAULT_SEGMENTATION_MS = 650
SEMANTIC_MS = 300
UNFINISHED_MS = 1000
"""A pause inside a sentence of a script ends the phrase only if it is so much longer."""
UNSCRIPTED = {
    "ar": "كلام خارج النص {}.",
    "ca": "Discurs fora del guió {}.",
    "de": "Freie Rede {}.",
    "en": "Unscripted speech {}.",
    "es": "Discurso fuera del guion {}.",
    "fr": "Discours hors du texte {}.",
    "it": "Discorso fuori copione {}.",
    "ja": "台本にない発言{}。",
    "pt": "Fala fora do roteiro {}.",
    "zh-Hans": "脚本外的发言{}。",
}


@dataclass(slots=True)
class Phrase:
    """What has been understood of a phrase so far. Times are in the audio of this turn."""

    id: int
    start_ms: int
    end_ms: int
    words: list[tuple[Sentence, Word]] = field(default_factory=list)
    number: int = 0
    final: bool = False

    @property
    def language(self) -> str:
        """The language that is spoken, empty where nobody knows."""
        return self.words[0][0].language if self.words else ""

    def text(self, language: str) -> str:
        if not self.words:
            code = best_match(language, list(UNSCRIPTED)) or "en"
            return UNSCRIPTED[code].format(self.number)
        parts = []
        for _, group in itertools.groupby(self.words, key=lambda pair: pair[1].sentence):
            pairs = list(group)
            sentence, first = pairs[0]
            parts.append(sentence.part(language, first.number, pairs[-1][1].number + 1))
        return (" " if is_spaced(language) else "").join(part for part in parts if part)

    def guess(self, language: str) -> str:
        """The text as a recogniser shows it while it still listens: bare words."""
        return re.sub(r"[^\w\s'’-]", "", self.text(language)).lower()


class Hearing:
    """Listens to the audio of one turn."""

    def __init__(
        self,
        scripts: Sequence[Script],
        segmentation_ms: int = DEFAULT_SEGMENTATION_MS,
        semantic: bool = False,
        ids: itertools.count[int] | None = None,
        strange: itertools.count[int] | None = None,
    ) -> None:
        self._scripts = scripts
        self._pause_ms = SEMANTIC_MS if semantic else segmentation_ms
        self._ids = ids or itertools.count(1)
        self._strange = strange or itertools.count(1)
        self._rest = b""
        self._levels: list[float] = []
        self._place: tuple[Script, int] | None = None
        """Where we are: a frame of the turn plus this many is the frame of the script."""
        self._next_word = 0
        self._phrase: Phrase | None = None
        self._noise_from: int | None = None
        """Frame in which speech that is in no script, as far as we know, began."""
        self._free_from = 0
        """First frame that no phrase has taken."""

    @property
    def heard_ms(self) -> int:
        return len(self._levels) * FRAME_MS

    def feed(self, pcm: bytes) -> list[Phrase]:
        """Phrases that grew or ended with this audio, in order."""
        size = TICK_FRAMES * FRAME_SAMPLES * 2
        audio = self._rest + pcm
        whole = len(audio) // size * size
        self._rest = audio[whole:]
        said: list[Phrase] = []
        for start in range(0, whole, size):
            self._levels += levels(np.frombuffer(audio[start : start + size], np.int16)).tolist()
            said += self._tick()
        return said

    def finish(self) -> list[Phrase]:
        """The audio has ended: whatever is pending is final now."""
        if self._phrase is None and self._noise_from is not None and self._loud(self._noise_from):
            self._phrase = self._unscripted(self._noise_from)
        return self._close()

    def _tick(self) -> list[Phrase]:
        said: list[Phrase] = []
        if self._place is not None and not self._still_there():
            self._place = None
            said += self._close()
        if self._place is None:
            said += self._look_for_place()
        said += self._follow_script() if self._place is not None else self._follow_noise()
        return said

    def _last(self, frames: int) -> Levels:
        return np.array(self._levels[-frames:], np.float32)

    def _loud(self, start: int, end: int | None = None) -> bool:
        """Whether a third of these frames are speech."""
        part = self._levels[start:end]
        return bool(part) and 3 * sum(level > SPEECH_DB for level in part) >= len(part)

    def _still_there(self) -> bool:
        assert self._place is not None
        script, shift = self._place
        now = len(self._levels)
        if now + shift > len(script.levels):
            return False
        count = min(CHECK_FRAMES, now, now + shift)
        heard = self._last(count)
        # Frames of the turn and of the recording seldom begin at the same moment.
        return any(
            _alike(heard, script.levels[now + shift - count + slip : now + shift + slip])
            for slip in (0, -1, 1)
        )

    def _look_for_place(self) -> list[Phrase]:
        # Frames taken by an earlier phrase say where that one was, not where we are.
        count = min(LOOK_FRAMES, len(self._levels) - self._free_from)
        heard = self._last(count)
        loud = np.flatnonzero(heard > SPEECH_DB)
        if count < LOOK_FRAMES // 2 or len(loud) < 20:
            return []
        found = locate(self._scripts, heard)
        if found is None and count - loud[0] >= CONFIRM_FRAMES:
            # Whoever resumes in the middle of a sentence is silent before where the script is not.
            heard = heard[loud[0] :]
            found = locate(self._scripts, heard)
        if found is None:
            return []
        script, frame = found
        shift = frame - (len(self._levels) - len(heard))
        begin = self._went_along_since(script, shift)
        self._place = script, shift
        begin_ms = (begin + shift) * FRAME_MS
        self._next_word = next(
            (n for n, word in enumerate(script.words) if word.start_ms >= begin_ms - 100),
            len(script.words),
        )
        self._noise_from = None
        return self._close()

    def _went_along_since(self, script: Script, shift: int) -> int:
        """First frame of the turn from which it has sounded like the script without a break."""
        frame = len(self._levels)
        while frame - 10 >= max(self._free_from, -shift):
            heard = np.array(self._levels[frame - 10 : frame], np.float32)
            there = script.levels[frame - 10 + shift : frame + shift]
            if ((heard > SPEECH_DB) == (there > SPEECH_DB)).mean() < 0.7:
                break
            frame -= 10
        return max(self._free_from, -shift) if frame - 10 < max(self._free_from, -shift) else frame

    def _follow_script(self) -> list[Phrase]:
        assert self._place is not None
        script, shift = self._place
        now_ms = self.heard_ms + shift * FRAME_MS
        if self._phrase is None and self._next_word < len(script.words):
            # In a silence nobody can tell whether the talk was wound on.
            begin = script.words[self._next_word].start_ms // FRAME_MS
            if now_ms // FRAME_MS - begin < CONFIRM_FRAMES:
                return []
            if not self._sounds_like(script, shift, max(0, begin - shift - TICK_FRAMES)):
                self._place = None
                return []
        grew = False
        while self._next_word < len(script.words):
            word = script.words[self._next_word]
            if word.end_ms > now_ms or (self._phrase is not None and self._parts(word)):
                break
            self._next_word += 1
            start = max(0, word.start_ms // FRAME_MS - shift)
            end = -(-word.end_ms // FRAME_MS) - shift
            if not self._loud(start, end):
                continue
            if self._phrase is None:
                self._phrase = Phrase(next(self._ids), start * FRAME_MS, 0)
            self._phrase.words.append((script.sentences[word.sentence], word))
            self._phrase.end_ms = word.end_ms - shift * FRAME_MS
            grew = True
        if self._phrase is None:
            return []
        if self.heard_ms - self._phrase.end_ms >= self._patience_ms(script):
            return self._close()
        return [self._phrase] if grew else []

    def _sounds_like(self, script: Script, shift: int, start: int) -> bool:
        """Whether the turn has sounded like the script at this shift since this frame."""
        heard = np.array(self._levels[start:], np.float32)
        there = [script.levels[max(0, start + shift + slip) :][: len(heard)] for slip in (0, -1, 1)]
        return any(len(each) == len(heard) and fits(heard, each, CONFIRMED) for each in there)

    def _parts(self, word: Word) -> bool:
        """Whether the open phrase has to end before this word."""
        assert self._phrase is not None
        first, last = self._phrase.words[0][1], self._phrase.words[-1][1]
        return word.sentence != last.sentence and (
            word.start_ms - last.end_ms >= self._pause_ms
            or word.end_ms - first.start_ms > MAX_PHRASE_MS
        )

    def _patience_ms(self, script: Script) -> int:
        """How long it may go on without another word: longer inside a sentence."""
        assert self._phrase is not None
        following = script.words[self._next_word : self._next_word + 1]
        if following and not self._parts(following[0]):
            return self._pause_ms + UNFINISHED_MS
        return self._pause_ms

    def _follow_noise(self) -> list[Phrase]:
        now = len(self._levels)
        tick = self._levels[-TICK_FRAMES:]
        loud = sum(level > SPEECH_DB for level in tick) >= 3
        if self._noise_from is None:
            if loud:
                self._noise_from = max(self._free_from, now - TICK_FRAMES)
            return []
        pause = max(TICK_FRAMES, self._pause_ms // FRAME_MS)
        quiet = now - self._noise_from > pause and not any(
            level > SPEECH_DB for level in self._levels[-pause:]
        )
        if self._phrase is None:
            if not quiet and (now - self._noise_from) * FRAME_MS < STRANGE_MS:
                return []
            voiced = sum(level > SPEECH_DB for level in self._levels[self._noise_from :])
            if voiced * FRAME_MS < CLICK_MS:
                self._noise_from = None
                return []
            self._phrase = self._unscripted(self._noise_from)
            return self._close() if quiet else [self._phrase]
        if not quiet:
            self._phrase.end_ms = self.heard_ms
        if quiet or self.heard_ms - self._phrase.start_ms > MAX_PHRASE_MS:
            return self._close()
        return []

    def _unscripted(self, start: int) -> Phrase:
        """A phrase of the speech since this frame, which has some."""
        loud = np.flatnonzero(np.array(self._levels[start:]) > SPEECH_DB) + start
        return Phrase(
            next(self._ids),
            int(loud[0]) * FRAME_MS,
            (int(loud[-1]) + 1) * FRAME_MS,
            number=next(self._strange),
        )

    def _close(self) -> list[Phrase]:
        """The phrase that was open, now final."""
        phrase, self._phrase, self._noise_from = self._phrase, None, None
        if phrase is None:
            return []
        phrase.final = True
        self._free_from = phrase.end_ms // FRAME_MS
        return [phrase]


def _alike(heard: Levels, there: Levels) -> bool:
    """Whether both are speech and silence at the same times, and speech of one shape."""
    if len(heard) != len(there) or ((heard > SPEECH_DB) == (there > SPEECH_DB)).mean() < 0.6:
        return False
    if (heard > SPEECH_DB).sum() < 15 or (there > SPEECH_DB).sum() < 15:
        return True
    return bool(np.corrcoef(heard, there)[0, 1] > 0.4)
