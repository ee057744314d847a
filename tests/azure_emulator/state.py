"""What the emulator counts and remembers, for tests to look at."""

from __future__ import annotations

import itertools
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.azure_emulator.faults import Fault, Service, faults_of

TOKEN_LIFE_S = 600


@dataclass
class Limits:
    """What the service allows; seconds. `avatars_per_minute` 0 means without limit."""

    avatars_per_minute: int = 2
    avatar_idle_s: float = 300
    avatar_connection_s: float = 1800
    avatar_refusal: Literal["429", "4429"] = "429"
    """As an HTTP status, or as the code the socket is closed with."""
    avatar_shrink: int = 4
    """The video is this many times smaller each way than asked for: 1080p costs a core."""
    token_life_s: float = TOKEN_LIFE_S


@dataclass
class Connection:
    """One socket, as tests see it."""

    number: int
    service: Service
    key: str
    opened: float
    closed: float | None = None
    close_code: int | None = None

    def seconds(self) -> float:
        return (self.closed or time.monotonic()) - self.opened


@dataclass
class State:
    """Everything since the last reset. Amounts are audio seconds, characters, requests."""

    limits: Limits = field(default_factory=Limits)
    connections: list[Connection] = field(default_factory=list)
    peers_open: int = 0
    peers_opened: int = 0
    contexts: list[dict[str, Any]] = field(default_factory=list)
    updates: list[list[str]] = field(default_factory=list)
    spoken: list[dict[str, Any]] = field(default_factory=list)
    translated: list[dict[str, Any]] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    """Refusals by service and HTTP status."""
    problems: list[str] = field(default_factory=list)
    """What a client did that the real service would not accept."""
    audio_seconds: float = 0.0
    finals: int = 0
    interims: int = 0
    avatar_stops: int = 0
    _used: set[tuple[str, Service, str]] = field(default_factory=set)
    _tokens: dict[str, tuple[str, float]] = field(default_factory=dict)
    _avatar_starts: deque[float] = field(default_factory=deque)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def reset(self) -> None:
        """Forget everything but the limits, the tokens and what is open."""
        fresh = State(self.limits)
        fresh.connections = [each for each in self.connections if each.closed is None]
        fresh.peers_open = self.peers_open
        fresh._tokens, fresh._numbers = self._tokens, self._numbers
        self.__dict__.update(fresh.__dict__)

    @contextmanager
    def connection(self, service: Service, key: str) -> Iterator[Connection]:
        """A socket, from its upgrade to its end."""
        opened = Connection(next(self._numbers), service, key, time.monotonic())
        self.connections.append(opened)
        try:
            yield opened
        finally:
            opened.closed = time.monotonic()

    def fault(self, key: str, service: Service, name: str) -> Fault | None:
        """This fault of the key, if it has it and it is not used up."""
        for fault in faults_of(key, service):
            if fault.name == name and (key, service, name) not in self._used:
                return fault
        return None

    def strike(self, key: str, service: Service, fault: Fault) -> None:
        """The fault happens now; one that happens once is used up."""
        if fault.once:
            self._used.add((key, service, fault.name))

    def issue_token(self, key: str) -> str:
        # Three parts, as a JSON Web Token has them; nobody but the service reads it.
        number = len(self._tokens) + 1
        token = f"emulated.{number}.token"
        self._tokens[token] = key, time.monotonic() + self.limits.token_life_s
        return token

    def key_of_token(self, token: str) -> str | None:
        """The key a token was issued for; None once it has expired.

        A token of Microsoft Entra ID, `aad#RESOURCE#TOKEN` or bare, stands for itself as a key.
        """
        if token.startswith("emulated."):
            key, until = self._tokens.get(token, ("", 0.0))
            return key if time.monotonic() < until else None
        return token.rsplit("#", 1)[-1] or None

    def avatar_may_start(self) -> bool:
        """Whether the pace of new avatar connections allows one more; counts it if so."""
        now = time.monotonic()
        while self._avatar_starts and self._avatar_starts[0] < now - 60:
            self._avatar_starts.popleft()
        allowed = self.limits.avatars_per_minute
        if allowed and len(self._avatar_starts) >= allowed:
            return False
        self._avatar_starts.append(now)
        return True

    def snapshot(self) -> dict[str, Any]:
        """As JSON; the same names as here, and totals."""
        still = [each for each in self.connections if each.closed is None]
        return {
            "open": Counter(each.service for each in still),
            "opened": Counter(each.service for each in self.connections),
            "peers_open": self.peers_open,
            "peers_opened": self.peers_opened,
            "connections": [
                {
                    "number": each.number,
                    "service": each.service,
                    "key": each.key,
                    "open": each.closed is None,
                    "seconds": each.seconds(),
                    "close_code": each.close_code,
                }
                for each in self.connections
            ],
            "avatar_seconds": sum(
                each.seconds() for each in self.connections if each.service == "avatar"
            ),
            "avatar_stops": self.avatar_stops,
            "contexts": self.contexts,
            "updates": self.updates,
            "audio_seconds": self.audio_seconds,
            "finals": self.finals,
            "interims": self.interims,
            "spoken": self.spoken,
            "characters": sum(each["characters"] for each in self.spoken),
            "translated": self.translated,
            "requests": self.requests,
            "refusals": self.statuses,
            "problems": self.problems,
        }
