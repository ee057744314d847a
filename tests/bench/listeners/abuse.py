"""What others notice while somebody attacks, and what the attacker is answered."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

from tests.bench.listeners import table
from tests.bench.listeners.ground import Ground
from tests.bench.listeners.hall import Hall, open_hall
from tests.bench.listeners.stranger import Stranger
from tests.bench.listeners.stretch import Stretch
from tests.bench.listeners.tally import Delays

LISTENERS = 300
SECONDS = 8.0
HALF_OPEN = 500
CLOSED_AFTER_S = 40.0
"""The server gives a socket 30 s to join."""
FRAME = 100 * 2**20
CHUNK = 2**20
JOIN = {"type": "join", "language": "es-ES", "after": None, "speech": False}

Attack = Callable[[Hall, float], Coroutine[Any, Any, Counter[str]]]


async def measure(ground: Ground, *, quick: bool) -> int:
    """A control group of listeners, first alone and then during one attack after the other."""
    count, seconds = (50, 1.0) if quick else (LISTENERS, SECONDS)
    table.title(f"Abuse from the address where {count} others listen")
    found = 0
    talk = Stretch(seconds=seconds, partials_per_s=3, finals_per_s=2)
    async with open_hall(ground) as hall:
        await hall.crowd.join(count, ["es-ES"], speech=False)
        alone = await hall.hear(talk)
        found += table.faults(alone.tally)
        table.row("p99 of the others, undisturbed", _p99(Delays.of(alone.tally.captions)))
        async with asyncio.TaskGroup() as group:
            idle = None if quick else group.create_task(_half_open(hall))
            for what, attack in ATTACKS.items():
                attacking = group.create_task(attack(hall, seconds))
                heard = await hall.hear(talk)
                answers = await attacking
                table.row(what, _p99(Delays.of(heard.tally.captions)))
                for answer, times in answers.most_common(8):
                    table.note(f"{times} × {answer}")
                found += table.faults(heard.tally)
        if idle:
            table.row(f"{2 * HALF_OPEN} half-open sockets, meanwhile", "")
            for answer, times in idle.result().items():
                table.note(f"{times} × {answer}")
        memory = hall.servers[0].memory().rss / 2**20
        table.row("tracebacks in the server's log", f"{hall.servers[0].tracebacks()}", "0")
        table.row("the server's memory in the end", f"{memory:.0f} MiB")
    return found


def _p99(delays: Delays) -> str:
    return f"{delays.p99:.0f} ms"


async def _half_open(hall: Hall) -> Counter[str]:
    """Connections that say nothing, and web sockets that do not join; looked at after 40 s."""
    host, port = "127.0.0.1", hall.servers[0].port
    silent = [await asyncio.open_connection(host, port) for _ in range(HALF_OPEN)]
    strangers = [Stranger(hall.servers[0].host, hall.talk.path) for _ in range(HALF_OPEN)]
    for stranger in strangers:
        await stranger.connect()
    await asyncio.sleep(CLOSED_AFTER_S)
    answers: Counter[str] = Counter()
    for reader, writer in silent:
        gone = reader.at_eof() or reader.exception() is not None
        answers["a silent connection closed" if gone else "a silent connection still open"] += 1
        writer.close()
    for stranger in strangers:
        code = stranger.close_code
        answers[
            f"a socket without a join {'still open' if code is None else f'closed {code}'}"
        ] += 1
        stranger.socket.drop()
    return answers


async def _wrong_codes(hall: Hall, seconds: float) -> Counter[str]:
    """Wrong join codes as fast as they are answered, while others join rightly."""
    answers: Counter[str] = Counter()

    async def guess() -> None:
        code = secrets.token_hex(4).upper()
        stranger = Stranger(hall.servers[0].host, f"/ws/listen/{code}/")
        await stranger.connect()
        answer = await stranger.gone()
        answers[f"a wrong code: {answer}, {stranger.problem}"] += 1

    async def join() -> None:
        await _say(hall, json.dumps(JOIN), answers, "a right code")
        await asyncio.sleep(seconds / 25)

    await _for(seconds, {guess: 20, join: 8})
    return answers


async def _great_frames(hall: Hall, seconds: float) -> Counter[str]:
    """100 MB in one frame, and in a message of many."""
    answers: Counter[str] = Counter()

    async def send(head: bytes, what: str) -> None:
        stranger = Stranger(hall.servers[0].host, hall.talk.path)
        await stranger.connect()
        sent = 0
        while sent < FRAME and stranger.close_code is None:
            stranger.socket.send_raw(head if sent == 0 or what == "fragments" else b"")
            stranger.socket.send_raw(bytes(CHUNK))
            sent += CHUNK
            head = _frame_head(0x00, CHUNK) if what == "fragments" else head
            await asyncio.sleep(0.01)
        answers[f"{what} of 100 MB: {await stranger.gone()}"] += 1
        stranger.socket.drop()

    async def one() -> None:
        await send(_frame_head(0x81, FRAME), "a frame")

    async def many() -> None:
        await send(_frame_head(0x01, CHUNK), "fragments")

    async def long_text() -> None:
        await _say(hall, json.dumps({**JOIN, "pin": "9" * 200_000}), answers, "200 kB of JSON")
        await asyncio.sleep(0.05)

    await _for(seconds, {one: 2, many: 2, long_text: 2})
    return answers


def _frame_head(first: int, length: int) -> bytes:
    """Of a masked frame; a mask of zeros leaves the payload as it is."""
    return bytes((first, 0xFF)) + length.to_bytes(8, "big") + bytes(4)


async def _restless(hall: Hall, seconds: float) -> Counter[str]:
    """Joins and leaves 50 times a second."""
    answers: Counter[str] = Counter()
    began = time.monotonic()
    for number in range(round(50 * seconds)):
        await asyncio.sleep(max(0, began + number / 50 - time.monotonic()))
        await _say(hall, json.dumps(JOIN), answers, "a join")
    return answers


async def _strange_after(hall: Hall, seconds: float) -> Counter[str]:
    """Values of `after` that nobody has been given."""
    answers: Counter[str] = Counter()
    values = [
        '{"session":999999,"seq":5}',
        '{"session":1,"seq":9007199254740991}',
        '{"session":9007199254740992,"seq":1}',
        '{"session":1,"seq":-1}',
        '{"session":1,"seq":1e400}',
        '{"session":"1","seq":true}',
        "[[1,2]]",
    ]

    async def ask() -> None:
        for value in values:
            text = json.dumps({**JOIN, "after": "?"}).replace('"?"', value)
            await _say(hall, text, answers, f"after {value}")
        await asyncio.sleep(0.1)

    await _for(seconds, {ask: 4})
    return answers


async def _bombs(hall: Hall, seconds: float) -> Counter[str]:
    """JSON that costs more to read than to send."""
    answers: Counter[str] = Counter()
    bombs = {
        "60,000 brackets": "[" * 60_000,
        "nested objects": '{"type":' * 7_000,
        "60,000 digits": '{"type":"join","language":"es-ES","after":{"session":'
        + "9" * 60_000
        + "}}",
        "10,000 fields": json.dumps({"type": "x", **{f"k{n}": 0 for n in range(5_000)}}),
        "escapes": '{"type":"' + "\\ud800" * 9_000 + '"}',
        "bytes that are no UTF-8": "",
    }

    async def throw() -> None:
        for name, bomb in bombs.items():
            await _say(hall, bomb, answers, name)
        await asyncio.sleep(0.05)

    await _for(seconds, {throw: 4})
    return answers


ATTACKS: dict[str, Attack] = {
    "during thousands of wrong codes": _wrong_codes,
    "during frames of 100 MB": _great_frames,
    "while one joins and leaves 50 times a second": _restless,
    "during unknown and impossible `after` values": _strange_after,
    "during JSON bombs": _bombs,
}


async def _say(hall: Hall, text: str, answers: Counter[str], what: str) -> None:
    """Connect, send this, note the answer, leave."""
    stranger = Stranger(hall.servers[0].host, hall.talk.path)
    try:
        await stranger.connect()
    except (OSError, TimeoutError) as error:
        answers[f"{what}: {type(error).__name__}"] += 1
        return
    if stranger.close_code is None:
        if text:
            stranger.socket.send(text)
        else:
            stranger.socket.send_raw(b"\x81\x84\0\0\0\0\xff\xfe\xff\xfe")
    answer = await stranger.answer()
    answers[f"{what}: {answer if stranger.problem or stranger.close_code else 'joined'}"] += 1
    stranger.socket.drop()


async def _for(seconds: float, many: Mapping[Callable[[], Awaitable[None]], int]) -> None:
    """Do each again and again for so long, as many at once as stands beside it."""
    end = time.monotonic() + seconds

    async def repeat(work: Callable[[], Awaitable[None]]) -> None:
        while time.monotonic() < end:
            with suppress(OSError, TimeoutError):
                await work()

    async with asyncio.TaskGroup() as group:
        for work, times in many.items():
            for _ in range(times):
                group.create_task(repeat(work))
