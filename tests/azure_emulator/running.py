"""The emulator for tests: a process of its own, so that neither the SDK nor a test starves it."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 60


class Emulator:
    """A running emulator, as tests see it."""

    def __init__(self, port: int) -> None:
        self.port = port

    @property
    def endpoint(self) -> str:
        """What the product takes as SPEECH_PRIVATE_ENDPOINT."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def translation_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/stt/speech/universal/v2"

    @property
    def synthesis_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/tts/cognitiveservices/websocket/v1"

    @property
    def avatar_url(self) -> str:
        return f"{self.synthesis_url}?enableTalkingAvatar=true"

    def state(self) -> dict[str, Any]:
        """What it has counted since the last reset: `state.State.snapshot` says what."""
        url = f"{self.endpoint}/_emulator/state"
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310
            snapshot: dict[str, Any] = json.load(answer)
        return snapshot

    def reset(self) -> None:
        """Forget what was counted, and which faults that happen once have happened."""
        self._post("reset", {})

    def set_limits(self, **limits: float | str) -> None:
        """Change some of `state.Limits`."""
        self._post("limits", limits)

    def add_script(self, script: Mapping[str, Any]) -> None:
        """Teach it another recording: `recordings.read_script` says how."""
        self._post("scripts", script)

    async def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The state, once it is what is wanted. Raises TimeoutError with the last one."""
        deadline = time.monotonic() + WITHIN_S
        while not wanted(state := await asyncio.to_thread(self.state)):
            if time.monotonic() > deadline:
                raise TimeoutError(json.dumps(state, indent=1))
            await asyncio.sleep(0.05)
        return state

    def _post(self, path: str, body: Mapping[str, Any]) -> None:
        request = urllib.request.Request(  # noqa: S310
            f"{self.endpoint}/_emulator/{path}", json.dumps(body).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=30):  # noqa: S310
            pass


@contextmanager
def emulator_process(**limits: float | str) -> Iterator[Emulator]:
    """An emulator with these `state.Limits`, for tests without an event loop and for fixtures."""
    options = [f"--{name.replace('_', '-')}={value}" for name, value in limits.items()]
    command = [sys.executable, "-m", "tests.azure_emulator", "--port=0", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:(\d+)", process.stdout.readline())
            if found is None:
                raise RuntimeError("The emulator did not start; its errors are above.")
            yield Emulator(int(found[1]))
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


@asynccontextmanager
async def running_emulator(**limits: float | str) -> AsyncIterator[Emulator]:
    """The same for tests with an event loop."""
    manager = emulator_process(**limits)
    emulator = await asyncio.to_thread(manager.__enter__)
    try:
        yield emulator
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)
