"""What is stored: the catalogue, events, transcripts and who listens."""

from sessions_app.models.audience import AudienceCount, ListenerReport
from sessions_app.models.catalogue import Avatar, Language, Voice
from sessions_app.models.course import AudienceSample, SessionLogEntry
from sessions_app.models.event import (
    Event,
    EventLanguage,
    EventMember,
    GlossaryTerm,
    GlossaryTranslation,
    Speaker,
)
from sessions_app.models.export_link import ExportLink
from sessions_app.models.operator_presence import OperatorPresence
from sessions_app.models.preferences import Preferences
from sessions_app.models.transcript import (
    CaptionStream,
    Correction,
    LanguageReview,
    LiveSession,
    Segment,
    Translation,
)
from sessions_app.models.video import VideoResource, VideoSeat

__all__ = [
    "AudienceCount",
    "AudienceSample",
    "Avatar",
    "CaptionStream",
    "Correction",
    "Event",
    "EventLanguage",
    "EventMember",
    "ExportLink",
    "GlossaryTerm",
    "GlossaryTranslation",
    "Language",
    "LanguageReview",
    "ListenerReport",
    "LiveSession",
    "OperatorPresence",
    "Preferences",
    "Segment",
    "SessionLogEntry",
    "Speaker",
    "Translation",
    "VideoResource",
    "VideoSeat",
    "Voice",
]
