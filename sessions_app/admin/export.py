"""Handing out transcripts: the page on which formats and languages are chosen, and ways to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from sessions_app.admin.base import ModelAdmin
from sessions_app.exports import FORMATS
from sessions_app.exports.download import download
from sessions_app.exports.links import give_away, links_to
from sessions_app.exports.order import MOST_SESSIONS, NothingToExport, Order, languages_of
from sessions_app.exports.transcript import Wanted
from sessions_app.links import public_link
from sessions_app.models import Event, ExportLink, Language, LiveSession
from sessions_app.models.transcript import ReviewState
from sessions_app.permissions import Action, events_for
from sessions_app.review.transcript import name_of

_PAGE = "admin:sessions_app_livesession_export"
_VALID_DAYS = (1, 7, 30)
_ENDED_LISTED = 20
"""So many of the links that work no longer, the newest."""


class ExportForm(forms.Form):
    """What is to be exported of sessions that are already chosen."""

    formats = forms.MultipleChoiceField(
        choices=[(key, form.label) for key, form in FORMATS.items()],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one format."},
    )
    languages = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one language."},
    )
    side_by_side = forms.BooleanField(
        label="Two languages side by side in one file",
        required=False,
        help_text="Choose exactly two languages. Not for subtitles.",
    )
    wanted = forms.ChoiceField(label="Text", choices=Wanted.choices, widget=forms.RadioSelect)
    days = forms.TypedChoiceField(
        label="The link works for",
        coerce=int,
        choices=[(days, f"{days} day{'' if days == 1 else 's'}") for days in _VALID_DAYS],
    )
    recipient = forms.CharField(
        label="For whom",
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"dir": "auto"}),
    )

    def __init__(
        self,
        data: QueryDict | None,
        *,
        sessions: tuple[int, ...],
        languages: list[tuple[str, str]],
        initial: dict[str, Any],
    ) -> None:
        super().__init__(data, initial=initial)
        self._sessions = sessions
        chooser = self.fields["languages"]
        assert isinstance(chooser, forms.MultipleChoiceField)
        chooser.choices = languages

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if not self.errors:
            try:
                self.order = Order(
                    sessions=self._sessions,
                    formats=tuple(cleaned["formats"]),
                    languages=tuple(cleaned["languages"]),
                    side_by_side=cleaned["side_by_side"],
                    wanted=Wanted(cleaned["wanted"]),
                )
                self.to_write = self.order.files()
            except (ValueError, NothingToExport) as refused:
                raise forms.ValidationError(str(refused)) from refused
        return cleaned


@require_http_methods(["GET", "HEAD", "POST"])
def export_view(request: HttpRequest, site: AdminSite) -> HttpResponseBase:
    """`…/livesession/export/?session=1&session=2`: choose, then download or give a link away;
    links that were given away can be revoked.

    404 where one of the sessions is not there or not this person's to export.
    """
    assert isinstance(request.user, User)
    sessions = _chosen(request)
    if "revoke" in request.POST:
        return _revoke(request, request.user, sessions)
    languages = _languages(sessions)
    form = ExportForm(
        _posted(request, languages),
        sessions=tuple(session.pk for session in sessions),
        languages=languages,
        initial={
            "formats": ["docx"],
            "languages": _first_wanted(request, sessions, languages),
            "wanted": Wanted.ALL,
            "days": 7,
        },
    )
    link: str | None = None
    until: datetime | None = None
    if form.is_valid():
        if "link" not in request.POST:
            return download(form.to_write)
        until = timezone.now() + timedelta(days=form.cleaned_data["days"])
        _, token = give_away(form.order, request.user, until, form.cleaned_data["recipient"])
        link = public_link(request, reverse("export", args=[token]))
    page = {
        **site.each_context(request),
        "title": "Export transcripts" if len(sessions) > 1 else "Export the transcript",
        "sessions": sessions,
        "form": form,
        "nothing_said": not languages,
        "opts": LiveSession._meta,
        "link": link,
        "until": until,
        "given": _given_away(sessions),
    }
    return render(request, "admin/sessions_app/livesession/export.html", page)


@dataclass(frozen=True, slots=True)
class Given:
    """A link that was given away, as the page tells of it. `ended`: why it works no longer."""

    pk: int
    recipient: str
    what: str
    sessions: int
    giver: str
    made: datetime
    until: datetime
    ended: str


def _given_away(sessions: Sequence[LiveSession]) -> list[Given]:
    """The links to these sessions: all that work, then the newest of those that did."""
    links = links_to(sessions)
    works = Q(revoked_at=None, expires_at__gt=timezone.now())
    rows = [*links.filter(works), *links.exclude(works)[:_ENDED_LISTED]]
    codes = {code for row in rows for code in row.languages}
    names = dict(Language.objects.filter(code__in=codes).values_list("code", "name"))
    return [_told(row, names) for row in rows]


def _told(link: ExportLink, names: dict[str, str]) -> Given:
    if link.revoked_at:
        ended = f"revoked by {name_of(link.revoked_by) or 'somebody'}"
    else:
        ended = "expired" if link.has_expired else ""
    languages = ", ".join(names.get(code, code) for code in link.languages)
    formats = ", ".join(FORMATS[key].label for key in link.formats if key in FORMATS)
    return Given(
        pk=link.pk,
        recipient=link.recipient,
        what=f"{languages}: {formats}",
        sessions=link.session_count,  # type: ignore[attr-defined]
        giver=name_of(link.giver),
        made=link.created_at,
        until=link.expires_at,
        ended=ended,
    )


def _revoke(request: HttpRequest, user: User, sessions: list[LiveSession]) -> HttpResponseRedirect:
    """Revoke the link, if it gives away one of these sessions. Raises Http404 otherwise."""
    key = request.POST["revoke"]
    known = key.isascii() and key.isdigit() and len(key) < 19
    link = links_to(sessions).filter(pk=int(key)).first() if known else None
    if link is None:
        raise Http404
    link.revoke(user)
    messages.success(request, "The link is revoked: it opens nothing any more.")
    return HttpResponseRedirect(request.get_full_path())


def export_path(sessions: QuerySet[LiveSession]) -> str:
    """Where these sessions are exported."""
    keys = list(sessions.values_list("pk", flat=True))
    return f"{reverse(_PAGE)}?{urlencode({'session': keys}, doseq=True)}"


def _to_the_page(
    admin_page: ModelAdmin[Any], request: HttpRequest, sessions: QuerySet[LiveSession]
) -> HttpResponseRedirect | None:
    permitted = sessions.filter(event__in=events_for(request.user, Action.EXPORT))
    count = permitted.count()
    if count > MOST_SESSIONS:
        advice = f"Choose at most {MOST_SESSIONS} sessions at a time; you chose {count}."
    elif count == 0:
        advice = "There is nothing to export: choose what has a session whose transcript is yours."
    else:
        return HttpResponseRedirect(export_path(permitted))
    admin_page.message_user(request, advice, messages.ERROR)
    return None


@admin.action(description="Export the transcripts of the chosen sessions")
def export_sessions(
    admin_page: ModelAdmin[LiveSession], request: HttpRequest, queryset: QuerySet[LiveSession]
) -> HttpResponseRedirect | None:
    chosen = LiveSession.objects.filter(pk__in=queryset.values("pk"))
    return _to_the_page(admin_page, request, chosen)


@admin.action(description="Export the transcripts of the chosen events, without rehearsals")
def export_events(
    admin_page: ModelAdmin[Event], request: HttpRequest, queryset: QuerySet[Event]
) -> HttpResponseRedirect | None:
    chosen = LiveSession.objects.filter(event__in=queryset.values("pk"), rehearsal=False)
    return _to_the_page(admin_page, request, chosen)


def _posted(request: HttpRequest, languages: list[tuple[str, str]]) -> QueryDict | None:
    """What was sent; who asked for everything need not have chosen anything."""
    if request.method != "POST":
        return None
    posted = request.POST.copy()
    if "everything" in posted:
        posted.setlist("formats", list(FORMATS))
        posted.setlist("languages", [code for code, _ in languages])
        posted.pop("side_by_side", None)
    return posted


def _chosen(request: HttpRequest) -> list[LiveSession]:
    keys = {key for key in request.GET.getlist("session") if key.isascii() and key.isdigit()}
    sessions = list(
        LiveSession.objects.filter(
            pk__in=[int(key) for key in keys if len(key) < 19],
            event__in=events_for(request.user, Action.EXPORT),
        )
        .select_related("event", "speaker")
        .prefetch_related("reviews")
        .order_by("started_at", "pk")
    )
    if not sessions or len(sessions) != len(set(request.GET.getlist("session"))):
        raise Http404
    return sessions


def _languages(sessions: list[LiveSession]) -> list[tuple[str, str]]:
    """Codes and labels of every language one of the sessions has text in."""
    codes = {code for found in languages_of(sessions).values() for code in found}
    known = dict(Language.objects.filter(code__in=codes).values_list("code", "name"))
    states = {
        review.language: ReviewState(review.state).label
        for review in (sessions[0].reviews.all() if len(sessions) == 1 else ())
    }
    labelled = [
        (code, f"{known.get(code, code)}" + (f" – {states[code]}" if code in states else ""))
        for code in codes
    ]
    return sorted(labelled, key=lambda language: language[1])


def _first_wanted(
    request: HttpRequest, sessions: list[LiveSession], languages: list[tuple[str, str]]
) -> list[str]:
    """What is ticked at first: the language the page was asked for, or a translation."""
    codes = [code for code, _ in languages]
    asked = [code for code in request.GET.getlist("language") if code in codes]
    spoken = {session.source_language for session in sessions}
    return asked or [code for code in codes if code not in spoken][:1] or codes[:1]
