"""The avatar's picture and sound: a face whose mouth moves with what it says. Pure."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

AUDIO_RATE = 48_000
BLINK_EVERY_S = 4.0
BLINK_S = 0.15
SKIN = (224, 172, 132)
DARK = (40, 30, 30)
MOUTH = (150, 30, 40)

Picture = NDArray[np.uint8]


def read_colour(text: str) -> tuple[int, int, int]:
    """`#RRGGBB` or `#RRGGBBAA`; white for anything else."""
    match = re.fullmatch(r"#([0-9A-Fa-f]{6})(?:[0-9A-Fa-f]{2})?", text)
    red, green, blue = bytes.fromhex(match[1]) if match else (255, 255, 255)
    return red, green, blue


class Face:
    """Draws one avatar on a background of one colour."""

    def __init__(self, width: int, height: int, background: tuple[int, int, int]) -> None:
        self._y, self._x = np.mgrid[0:height, 0:width].astype(np.float32)
        self._x -= width / 2
        self._y -= height / 2
        self._unit = height / 2
        self._still: Picture = np.empty((height, width, 3), np.uint8)
        self._still[:] = background
        self._ellipse(self._still, (0, 0), (0.5, 0.7), SKIN)

    def draw(self, openness: float, at_s: float) -> Picture:
        """The face at a time, its mouth open from 0 to 1; RGB, height x width x 3."""
        picture = self._still.copy()
        eye = 0.01 if at_s % BLINK_EVERY_S < BLINK_S else 0.06
        for side in (-0.2, 0.2):
            self._ellipse(picture, (side, -0.2), (0.06, eye), DARK)
        self._ellipse(picture, (0, 0.35), (0.2, 0.02 + 0.16 * min(1.0, openness)), MOUTH)
        return picture

    def _ellipse(
        self,
        picture: Picture,
        centre: tuple[float, float],
        radius: tuple[float, float],
        colour: tuple[int, int, int],
    ) -> None:
        """Sizes are shares of half the height."""
        across = (self._x / self._unit - centre[0]) / radius[0]
        down = (self._y / self._unit - centre[1]) / radius[1]
        picture[across**2 + down**2 <= 1] = colour


class Stage:
    """What is being said just now, given out piece by piece."""

    def __init__(self) -> None:
        self._samples: NDArray[np.int16] = np.zeros(0, np.int16)
        self.openness = 0.0
        """How far the mouth is open at what was given out last, 0 to 1."""

    def play(self, samples: NDArray[np.int16]) -> None:
        self._samples = samples

    def stop(self) -> None:
        self._samples = self._samples[:0]
        self.openness = 0.0

    def take(self, count: int) -> NDArray[np.int16]:
        """The next samples at AUDIO_RATE, silence where there is nothing to say."""
        part, self._samples = self._samples[:count], self._samples[count:]
        loudness = float(np.sqrt((part.astype(np.float32) ** 2).mean())) if len(part) else 0.0
        self.openness = min(1.0, loudness / 6000)
        return np.pad(part, (0, count - len(part)))
