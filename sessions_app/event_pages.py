"""An event's pages beside its form: the poster, the calendar file, copies, opening it again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.text import slugify
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sessions_app.calendar_file import calendar_file
from sessions_app.concerns import overlapping
from sessions_app.copying import MOST_COPIES, Repeat, Start, TooMany, copy_event, next_week, starts
from sessions_app.links import listener_link, qr_path, reaches_only_this_computer
from sessions_app.models import Event
from sessions_app.models.event import Access
from sessions_app.office import event_or_404, office_page
from sessions_app.permissions import Action
from sessions_app.time_zones import in_words, zone_name

LONGEST_LIST = 5_000
"""Characters in a list of dates."""


@staff_member_required
@never_cache
@require_safe
def poster(request: HttpRequest, pk: int) -> HttpResponse:
    """`/office/events/<pk>/poster/`: a page of A4 to be printed and put on a wall."""
    event = event_or_404(request, pk, Action.VIEW)
    link = listener_link(request, event)
    code = event.join_code
    return office_page(
        request,
        "office/poster.html",
        "Poster",
        event=event,
        when=event.starts_at and in_words(event.starts_at),
        qr=qr_path(event),
        code=f"{code[:4]} {code[4:]}",
        address=link.partition("://")[2].partition("/")[0],
        only_here=reaches_only_this_computer(link),
        pin=event.pin if event.access == Access.PIN else "",
        sign_in=event.access == Access.SIGNED_IN,
        languages=event.offered_languages(),
    )


@staff_member_required
@never_cache
@require_safe
def calendar(request: HttpRequest, pk: int) -> HttpResponse:
    """`/office/events/<pk>/calendar.ics`: the event for people's calendars."""
    event = event_or_404(request, pk, Action.VIEW)
    if event.starts_at is None:
        messages.error(request, "Say when the event starts first: a calendar needs a time.")
        return redirect("admin:sessions_app_event_change", pk)
    content = calendar_file(event, listener_link(request, event))
    name = slugify(event.title) or event.join_code
    return HttpResponse(
        content,
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name[:60]}.ics"'},
    )


@staff_member_required
@require_POST
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """`/office/events/<pk>/reopen/`: let a closed event be spoken at again."""
    event = event_or_404(request, pk, Action.CHANGE)
    event.closed_at = None
    event.save(update_fields=["closed_at", "changed_at"])
    _log(request, [event], CHANGE, "Opened again.")
    messages.success(request, "The event is open again: its speakers can go live.")
    return redirect("admin:sessions_app_event_change", pk)


def _day_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class CopyForm(forms.Form):
    """When an event is to take place again; times are those of the current zone."""

    title = forms.CharField(max_length=200)
    repeat = forms.ChoiceField(
        label="How often",
        widget=forms.RadioSelect,
        choices=[
            (Repeat.ONCE, "once"),
            (Repeat.DAILY, "every day, until"),
            (Repeat.WEEKLY, "every week, until"),
            (Repeat.MONTHLY, "every month, until"),
            (Repeat.DATES, "on the dates listed below"),
        ],
    )
    day = forms.DateField(label="First day", required=False, widget=_day_input())
    at = forms.TimeField(
        label="Starts at", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    until = forms.DateField(
        label="Until",
        required=False,
        widget=_day_input(),
        help_text="Only for what repeats; this day included.",
    )
    dates = forms.CharField(
        label="Dates",
        required=False,
        max_length=LONGEST_LIST,
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": "2030-03-15"}),
        help_text="Only for “on the dates listed below”: written like 2030-03-15, one in a line.",
    )

    def clean_dates(self) -> list[date]:
        found = []
        for word in re.split(r"[\s,;]+", self.cleaned_data["dates"].strip()):
            if not word:
                continue
            try:
                day = parse_date(word)
            except ValueError:
                day = None
            if day is None:
                raise forms.ValidationError(
                    f"“{word[:30]}” is no date: write it like 2030-03-15 (year, month, day)."
                )
            found.append(day)
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        repeat, day, until = (cleaned.get(name) for name in ("repeat", "day", "until"))
        if repeat == Repeat.DATES:
            if not cleaned.get("dates") and "dates" not in self.errors:
                self.add_error("dates", "List at least one date.")
        elif day is None and "day" not in self.errors:
            self.add_error("day", "Say on which day the copy takes place.")
        elif repeat in (Repeat.DAILY, Repeat.WEEKLY, Repeat.MONTHLY) and "until" not in self.errors:
            if until is None:
                self.add_error("until", "Say until when it repeats.")
            elif day and until < day:
                self.add_error("until", "This is before the first day.")
        if not self.errors:
            cleaned["starts"] = self._starts(cleaned)
        return cleaned

    def _starts(self, cleaned: dict[str, Any]) -> list[Start]:
        first = datetime.combine(cleaned["day"] or timezone.localdate(), cleaned["at"])
        repeat, zone = Repeat(cleaned["repeat"]), timezone.get_current_timezone()
        try:
            return starts(repeat, first, cleaned["until"], cleaned["dates"], zone)
        except TooMany:
            raise forms.ValidationError(
                f"These are more than {MOST_COPIES} dates: copy to the others afterwards."
            ) from None


@dataclass(frozen=True, slots=True)
class Line:
    """A copy that is about to be made, in words, and what should be known of it."""

    when: str
    notes: list[str]


@staff_member_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def copy(request: HttpRequest, pk: int) -> HttpResponse:
    """`/office/events/<pk>/copy/`: the event once more, at one or many other times."""
    event = event_or_404(request, pk, Action.CHANGE)
    form = CopyForm(request.POST) if request.method == "POST" else CopyForm(initial=_first(event))
    lines: list[Line] = []
    if form.is_bound and form.is_valid():
        wanted: list[Start] = form.cleaned_data["starts"]
        if "create" in request.POST:
            made = copy_event(event, [start.at for start in wanted], form.cleaned_data["title"])
            _log(request, made, ADDITION, f"Copied from “{event}”.")
            return _show(request, made)
        lines = [_line(event, start) for start in wanted]
    return office_page(
        request,
        "office/copy.html",
        "Copy to other dates",
        event=event,
        form=form,
        lines=lines,
        zone=zone_name(),
    )


def _first(event: Event) -> dict[str, Any]:
    zone = timezone.get_current_timezone()
    begins = next_week(event, zone, timezone.now())
    return {
        "title": event.title,
        "repeat": Repeat.ONCE,
        "day": begins.date(),
        "at": begins.time(),
    }


def _line(event: Event, start: Start) -> Line:
    notes = []
    if start.shifted:
        notes.append("The clock skips this time on that day: it begins later.")
    if start.at < timezone.now():
        notes.append("This is in the past.")
    together = overlapping(Event(starts_at=start.at, duration_min=event.duration_min))
    if any(other.owner_id == event.owner_id for other in together):
        notes.append("At the same time there is another event of the same owner.")
    return Line(in_words(start.at), notes)


def _show(request: HttpRequest, made: list[Event]) -> HttpResponse:
    if len(made) == 1:
        messages.success(
            request, "This is the copy, with a join code and speakers' links of its own."
        )
        return redirect("admin:sessions_app_event_change", made[0].pk)
    messages.success(
        request,
        f"{len(made)} events were created, each with a join code and speakers' links of its own.",
    )
    return redirect("admin:sessions_app_event_changelist")


def _log(request: HttpRequest, events: list[Event], flag: int, message: str) -> None:
    user = cast(User, request.user)
    rows = cast("list[Model]", events)
    LogEntry.objects.log_actions(user.pk, rows, flag, message)
