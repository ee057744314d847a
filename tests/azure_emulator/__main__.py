"""The emulator started by hand, and by tests as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import signal
import sys

from tests.azure_emulator.server import serving
from tests.azure_emulator.state import Limits

WHAT_TO_SET = """\
An emulator of Azure Speech listens on http://127.0.0.1:{port}. It knows the sample talk in
static/audio and hears it in any language it has been translated into. In another terminal:

    SPEECH_BACKEND=azure SPEECH_KEY=ok SPEECH_PRIVATE_ENDPOINT=http://127.0.0.1:{port} make run

Keys bring faults, such as SPEECH_KEY=key-stt-close-1011-once@10: tests/azure_emulator/faults.py.
What it was asked for: http://127.0.0.1:{port}/_emulator/state
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.azure_emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=9999, help="0 means any free one")
    for field in dataclasses.fields(Limits):
        kind = type(field.default)
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default)
    options = vars(parser.parse_args())
    asyncio.run(_serve(options.pop("port"), Limits(**options)))


async def _serve(port: int, limits: Limits) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with serving(port, limits) as listening:
        sys.stdout.write(WHAT_TO_SET.format(port=listening))
        sys.stdout.flush()
        await stopped.wait()


if __name__ == "__main__":
    main()
