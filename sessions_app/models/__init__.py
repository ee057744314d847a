"""What is stored: the catalogue, events, transcripts and who listens."""

from sessions_app.models.audience import AudienceCount, ListenerReport
from sessions_app.models.catalogue import Avatar, Language, Voice
from sessions_app.models.event import (
    Event,
    EventLanguage,
    GlossaryTerm,
    GlossaryTranslation,
    Speaker,
)
from sessions_app.models.transcript import (
    CaptionStream,
    Correction,
    LiveSession,
    Segment,
    Translation,
)
from sessions_app.models.video import VideoResource, VideoSeat

__all__ = [
    "AudienceCount",
    "Avatar",
    "CaptionStream",
    "Correction",
    "Event",
    "EventLanguage",
    "GlossaryTerm",
    "GlossaryTranslation",
    "Language",
    "ListenerReport",
    "LiveSession",
    "Segment",
    "Speaker",
    "Translation",
    "VideoResource",
    "VideoSeat",
    "Voice",
]
