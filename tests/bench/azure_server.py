"""The product as a server that writes down when the Azure SDK has told it something.

Each line of the file is JSON: `what` ("final" or "audio"), `text` (what was said, or the markup to
be said) and `at` (seconds of the clock that all processes of a machine share).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management import execute_from_command_line


def main(port: str, file: Path) -> None:
    """Serve on this port of 127.0.0.1."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "avatartranslate.settings"
    with file.open("a", buffering=1) as notes:
        _write_down(lambda **note: print(json.dumps(note), file=notes))
        execute_from_command_line(["manage.py", "runserver", f"127.0.0.1:{port}", "--noreload"])


def _write_down(note: Callable[..., None]) -> None:
    """Look at the clock in the SDK's own callbacks, before anything of ours has run."""
    from speech_app.backends.azure.recogniser import Recogniser
    from speech_app.backends.azure.voice_connection import VoiceConnection

    heard, say, build = Recogniser._heard, VoiceConnection._say, VoiceConnection._build
    completed: dict[int, float] = {}

    def heard_at(self: Recogniser, result: Any, *, final: bool) -> None:
        if final:
            note(what="final", text=result.text, at=time.monotonic())
        heard(self, result, final=final)

    def build_with_clock(self: VoiceConnection) -> Any:
        synthesizer = build(self)
        synthesizer.synthesis_completed.connect(
            lambda _: completed.__setitem__(id(self), time.monotonic())
        )
        return synthesizer

    def say_at(self: VoiceConnection, ssml: str) -> Any:
        said = say(self, ssml)
        note(what="audio", text=ssml, at=completed[id(self)])
        return said

    Recogniser._heard = heard_at  # type: ignore[method-assign]
    VoiceConnection._build = build_with_clock  # type: ignore[method-assign]
    VoiceConnection._say = say_at  # type: ignore[method-assign]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
