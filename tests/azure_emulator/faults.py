"""What goes wrong, chosen by the key a client comes with.

Every key works, unless it begins with `key-`: then faults follow, joined by `+`, each limited to
one service by a prefix if wanted: `key-429-once`, `key-stt-close-1011-once@5+tts-mute`. Services
are `stt`, `tts`, `avatar`, `translate`, `relay`, `token`, `voices`. A token stands for the key it
was issued for. `-once`: only the first time this key meets the fault since `/_emulator/reset`.

| fault                 | where          | what happens |
|---|---|---|
| 401 403 429 500       | everywhere     | this HTTP status, at the upgrade of a socket |
| silent                | everywhere     | takes the connection and never answers |
| mute                  | sockets        | upgrades, then says nothing |
| close-CODE@N          | sockets        | closes (`close-abort`: drops TCP) after |
|                       |                | N seconds of audio (stt), of answer (tts), of time |
|                       |                | (avatar); N is 0 if left out |
| close-always          | sockets        | the same as close-1000 |
| no-turn-end           | sockets        | the end of a turn is never told |
| late-turn-end@S       | sockets        | … is told S seconds late |
| missing-language-xx   | stt, translate | no translation into xx |
| slow@F                | stt            | results come late by F of the connection's audio so far |
| ignore-update         | stt            | `updateLanguage` is not heard |
| no-visemes            | tts            | audio without visemes |
| no-audio              | tts            | a turn that ends without audio |
| no-answer             | avatar         | `turn.start` without an SDP answer |
| lost-peer@S           | avatar         | media end after S seconds of connection, not the socket |
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Service = Literal["stt", "tts", "avatar", "translate", "relay", "token", "voices"]

_FAULT = re.compile(
    r"(?:(?P<service>stt|tts|avatar|translate|relay|token|voices)-)?"
    r"(?P<name>401|403|429|500|silent|mute|close-(?:\d{4}|abort|always)|no-turn-end|late-turn-end"
    r"|missing-language-[A-Za-z-]+?|slow|ignore-update|no-visemes|no-audio|no-answer|lost-peer)"
    r"(?P<once>-once)?(?:@(?P<amount>\d+(?:\.\d+)?))?"
)


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    once: bool
    amount: float


class UnknownFault(ValueError):
    """The key asks for a fault there is none of."""


def faults_of(key: str, service: Service) -> Sequence[Fault]:
    """The faults this key brings to this service. Raises UnknownFault."""
    if not key.startswith("key-"):
        return []
    found = []
    for text in key.removeprefix("key-").split("+"):
        match = _FAULT.fullmatch(text)
        if match is None:
            raise UnknownFault(f"There is no fault {text!r}: see tests/azure_emulator/faults.py.")
        if match["service"] in (None, service):
            name = "close-1000" if match["name"] == "close-always" else match["name"]
            found.append(Fault(name, bool(match["once"]), float(match["amount"] or 0)))
    return found
