"""That the load generator would notice a fault of the server it measures."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.bench.listeners.listener import CLOCK, Listener
from tests.bench.listeners.tally import Tally


@pytest.fixture
def listener() -> Listener:
    """One that has joined a session in which nothing was said yet."""
    listener = Listener(Tally(), "127.0.0.1:1", "/", "es-ES", speech=True)
    listener.text(b'{"type":"replayed","seq":0}', time.monotonic())
    return listener


def test_what_comes_once_and_in_order_is_no_fault(listener: Listener) -> None:
    for seq in (1, 2, 3):
        final(listener, seq)
        speech(listener, seq)

    assert listener.tally.wrong == {}
    assert (len(listener.tally.finals), len(listener.tally.speech)) == (3, 3)


def test_a_final_that_is_left_out_is_lost(listener: Listener) -> None:
    for seq in (1, 4):
        final(listener, seq)

    assert listener.tally.wrong == {"finals lost": 2}


def test_the_first_final_after_joining_counts_as_well(listener: Listener) -> None:
    final(listener, 2)

    assert listener.tally.wrong == {"finals lost": 1}


def test_a_final_that_comes_again_is_doubled(listener: Listener) -> None:
    for seq in (1, 2, 1):
        final(listener, seq)

    assert listener.tally.wrong == {"finals doubled": 1}


def test_what_belongs_to_another_language_is_foreign(listener: Listener) -> None:
    final(listener, 1, language="fr-FR")

    assert listener.tally.wrong == {"captions of another language": 1}


def test_speech_before_its_caption_and_speech_twice_are_faults(listener: Listener) -> None:
    final(listener, 1)
    speech(listener, 2)
    final(listener, 2)
    speech(listener, 2)

    assert listener.tally.wrong == {"speech before its caption": 1, "speech doubled": 1}


def final(listener: Listener, seq: int, **fields: Any) -> None:
    now = time.monotonic()
    message = {
        "type": "caption",
        "session": 1,
        "language": "es-ES",
        "final": True,
        "seq": seq,
        "source": f"Good morning. @{now:.6f}",
        **fields,
    }
    listener.text(json.dumps(message).encode(), now)


def speech(listener: Listener, seq: int) -> None:
    now = time.monotonic()
    fields = {"type": "speech", "session": 1, "language": "es-ES", "seq": seq}
    header = json.dumps(fields).encode()
    frame = len(header).to_bytes(4, "big") + header + bytes(100) + CLOCK.pack(now)
    listener.binary(memoryview(frame), now)
