"""Sends what happens to every server process, once each; see `audience` for what they do with it.

The channel layer may lose a message, or be down: what was final is in the database, where every
process looks for what it missed. So a failure to publish is logged and never stops the talk.
"""

from __future__ import annotations

import logging
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from sessions_app.messages import FinalCaption, PartialCaption, SpeechHeader
from sessions_app.models import Correction, LiveSession, Translation

logger = logging.getLogger(__name__)


def stream_group(session: int, language: str) -> str:
    """Captions and speech of one language of one session."""
    return f"stream.{session}.{language}"


def event_group(event: int) -> str:
    """What every listener of an event must know: sessions that begin, pause and end."""
    return f"event.{event}"


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


def publish_correction(correction: Correction) -> None:
    """Show a correction to whoever listens now; call it once the correction is committed."""
    translations = Translation.objects.shown().filter(segment=correction.segment_id)
    if correction.translation_id:
        translations = translations.filter(pk=correction.translation_id)
    for translation in translations:
        async_to_sync(publish_final)(FinalCaption.of(translation))


async def _send(group: str, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    assert layer is not None, "CHANNEL_LAYERS has a default"
    try:
        await layer.group_send(group, message)
    except Exception:  # any failure of any layer: see the module's docstring
        logger.warning(
            "The channel layer did not take a %s message", message["type"], exc_info=True
        )
