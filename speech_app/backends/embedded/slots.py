"""How many live speakers one machine carries, across all server processes on it."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path
from typing import IO

from speech_app.backends.base import Overloaded


def slots_directory() -> Path:
    """Where this user's slot files are, the same for every server process of the host."""
    return Path(tempfile.gettempdir()) / f"avatartranslate-{os.getuid()}"


class Slot:
    """The right to one live speaker. The kernel frees it when the process dies."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def release(self) -> None:
        """Give it back. May be called twice."""
        if not self._file.closed:
            # A process that is being started holds a copy of the file until it runs its program.
            fcntl.flock(self._file, fcntl.LOCK_UN)
            self._file.close()


def take_slot(most: int, directory: Path | None = None) -> Slot:
    """Take one of `most` slots. Raises Overloaded when all are taken."""
    directory = directory or slots_directory()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in range(most):
        # A lock belongs to the open file, so one process can hold several of them.
        file = (directory / f"speaker-{number}.lock").open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            continue
        return Slot(file)
    speakers = "1 live speaker" if most == 1 else f"{most} live speakers"
    raise Overloaded(
        f"This machine already carries {speakers}, as many as it can. "
        "Try again when another session has ended."
    )
