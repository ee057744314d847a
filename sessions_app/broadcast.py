"""Sends what happens to every server process, once each; see `audience` for what they do with it.

The channel layer may lose a message, or be down: what was final is in the database, where every
process looks for what it missed. So a failure to publish is logged and never stops the talk.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from sessions_app.messages import FinalCaption, PartialCaption, SpeechHeader
from sessions_app.models import Correction, LiveSession, Translation

logger = logging.getLogger(__name__)

ANSWERS_WITHIN_S = 2.0
RESTS_S = 1.0
"""While the layer is away, one message a second finds out whether it is back; the others wait for
nothing: storing what is said must not wait for a layer."""
AWAY_FOR_S = 10.0


@dataclass
class _Reach:
    """Whether this process reached the channel layer when it last tried."""

    failing: bool = False
    failed_at: float = float("-inf")


_reach = _Reach()


def layer_is_away() -> bool:
    """Whether messages were lost in the last seconds: listeners then get finals some seconds late,
    from the database, and neither partials nor speech, which are never sent again."""
    return _reach.failing and time.monotonic() < _reach.failed_at + AWAY_FOR_S


def stream_group(session: int, language: str) -> str:
    """Captions and speech of one language of one session."""
    return f"stream.{session}.{language}"


def event_group(event: int) -> str:
    """What every listener of an event must know: sessions that begin, pause and end."""
    return f"event.{event}"


def control_group(event: int) -> str:
    """What the operators of an event see live."""
    return f"control.{event}"


async def publish_partial(caption: PartialCaption) -> None:
    await _send(
        stream_group(caption.session, caption.language),
        {
            "type": "partial",
            "session": caption.session,
            "language": caption.language,
            "segment": caption.segment,
            "frame": caption.encode(),
        },
    )


async def publish_final(caption: FinalCaption) -> None:
    await _send(
        stream_group(caption.session, caption.language),
        {
            "type": "final",
            "session": caption.session,
            "language": caption.language,
            "segment": caption.segment,
            "seq": caption.seq,
            "frame": caption.encode(),
        },
    )


async def publish_speech(header: SpeechHeader, audio: bytes) -> None:
    await _send(
        stream_group(header.session, header.language),
        {
            "type": "speech",
            "session": header.session,
            "language": header.language,
            "segment": header.segment,
            "seq": header.seq,
            "frame": header.encode(audio),
        },
    )


async def publish_state(session: LiveSession) -> None:
    await _send(
        event_group(session.event_id),
        {
            "type": "state",
            "event": session.event_id,
            "session": session.pk,
            "state": session.state,
            "rehearsal": session.rehearsal,
        },
    )


async def publish_announcement(event: int) -> None:
    """What its organiser tells the listeners of an event has changed: read it anew."""
    await _send(event_group(event), {"type": "announcement", "event": event})


async def publish_told(event: int, frame: str) -> None:
    """To the operators of an event: what its speaker is told about words still being spoken."""
    await _send(control_group(event), {"type": "told", "event": event, "frame": frame})


def publish_correction(*corrections: Correction) -> None:
    """Show corrections to whoever listens now; call it once they are committed."""
    publish_shown(Translation.objects.shown().changed_by(corrections))


def publish_shown(captions: Iterable[Translation]) -> None:
    """Show finals and corrections that are committed.

    Of each stream only the newest caption is sent: who sees the gap before it reads the others.
    """
    shown = Translation.objects.shown().filter(pk__in=[row.pk for row in captions])
    newest = {(row.session_id, row.language): row for row in shown.order_by("seq")}
    for row in newest.values():
        async_to_sync(publish_final)(FinalCaption.of(row))


async def _send(group: str, message: dict[str, Any]) -> None:
    if time.monotonic() < _reach.failed_at + RESTS_S:
        return
    layer = get_channel_layer()
    assert layer is not None, "CHANNEL_LAYERS has a default"
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            await layer.group_send(group, message)
    except Exception:  # any failure of any layer: see the module's docstring
        if not _reach.failing:
            logger.warning("The channel layer is away; messages get lost", exc_info=True)
        _reach.failing, _reach.failed_at = True, time.monotonic()
    else:
        if _reach.failing:
            logger.warning("The channel layer is back")
        _reach.failing = False
