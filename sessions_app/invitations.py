"""A speaker's secret link, and the mail that brings it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from django.http import HttpRequest

from sessions_app.models import Event, Speaker
from sessions_app.time_zones import in_words


@dataclass(frozen=True, slots=True)
class Invitation:
    """`mail` is a `mailto:` address with subject and body; the organiser's own mail sends it."""

    speaker: Speaker
    link: str
    mail: str


def invitations(request: HttpRequest, event: Event) -> list[Invitation]:
    """Every speaker's, revoked or not."""
    found = []
    for speaker in event.speakers.all():
        link = request.build_absolute_uri(speaker.get_absolute_url())
        found.append(Invitation(speaker, link, _mail(event, speaker, link)))
    return found


def _mail(event: Event, speaker: Speaker, link: str) -> str:
    lines = [
        f"Hello {_one_line(speaker.name)},",
        "",
        f"this is your personal link to speak at “{_one_line(event.title)}”:",
        link,
        "",
        *([f"It begins on {in_words(event.starts_at)}.", ""] if event.starts_at else []),
        "Open it in Chrome, Edge, Firefox or Safari and press Start; under Rehearsal you can try "
        "it before.",
        "The link is a secret: whoever has it can speak there.",
    ]
    subject = quote(f"Your link to speak at {_one_line(event.title)}", safe="")
    # RFC 6068: lines end with CR LF, and a space is never a plus sign.
    body = quote("\r\n".join(lines), safe="")
    return f"mailto:?subject={subject}&body={body}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
