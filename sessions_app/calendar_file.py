"""An event as a calendar file, which calendars take for a new date or for a change of it."""

from __future__ import annotations

import unicodedata
from datetime import UTC, timedelta

from icalendar import Calendar
from icalendar import Event as Entry

from sessions_app.models import Event
from sessions_app.models.event import Access


def calendar_file(event: Event, link: str) -> bytes:
    """The event as iCalendar (RFC 5545), with the listener's link. It has a time."""
    assert event.starts_at and event.ends_at
    entry = Entry()
    entry.add("uid", f"{event.join_code}@avatartranslate")
    entry.add("dtstamp", event.changed_at.astimezone(UTC))
    entry.add("last-modified", event.changed_at.astimezone(UTC))
    # A calendar takes a file for newer by this number alone.
    entry.add("sequence", (event.changed_at - event.created_at) // timedelta(seconds=1))
    entry.add("summary", _printable(event.title))
    entry.add("dtstart", event.starts_at.astimezone(UTC))
    entry.add("dtend", event.ends_at.astimezone(UTC))
    entry.add("location", link)
    entry.add("url", link)
    entry.add("description", "\n".join(_how_to_listen(event, link)))
    called_off = event.closed_at is not None and event.closed_at < event.starts_at
    entry.add("status", "CANCELLED" if called_off else "CONFIRMED")
    calendar = Calendar()
    calendar.add("prodid", "-//AvatarTranslate//Events//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(entry)
    content: bytes = calendar.to_ical()
    return content


def _printable(text: str) -> str:
    """Control characters, which no calendar file may have, become blanks."""
    return "".join(" " if unicodedata.category(one) == "Cc" else one for one in text)


def _how_to_listen(event: Event, link: str) -> list[str]:
    return [
        f"Listen in your language: {link}",
        f"Join code: {event.join_code}",
        *([f"PIN: {event.pin}"] if event.access == Access.PIN else []),
    ]
