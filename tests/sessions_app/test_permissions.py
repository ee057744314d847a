"""What belongs to someone else is not seen, guessed, changed or exported."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core import serializers
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from sessions_app.models import (
    AudienceCount,
    AudienceSample,
    Avatar,
    Correction,
    Event,
    EventMember,
    ExportLink,
    GlossaryTerm,
    GlossaryTranslation,
    Language,
    LanguageReview,
    ListenerReport,
    LiveSession,
    OperatorPresence,
    SessionLogEntry,
    Speaker,
    VideoResource,
    VideoSeat,
    Voice,
)
from sessions_app.models.audience import Heard, StreamKey
from sessions_app.models.event import Role
from sessions_app.models.preferences import Preferences
from sessions_app.permissions import (
    ADMINISTRATOR,
    OPERATOR,
    ORGANISER,
    REVIEWER,
    RULES,
    Action,
    event_id_of,
    events_for,
    may,
    rows_for,
)
from tests.forms import form_of
from tests.people import person

pytestmark = pytest.mark.django_db

MakeEvent = Callable[..., Event]

CATALOGUE = {Avatar, Language, VideoResource, Voice}
REGISTERED = sorted(
    (model for model in admin.site._registry if model._meta.app_label == "sessions_app"),
    key=lambda model: model.__name__,
)
OF_AN_EVENT = [model for model in REGISTERED if model not in CATALOGUE]
ROLES = [ORGANISER, REVIEWER, OPERATOR]
SECRET = "Zanzibar"  # noqa: S105
"""Stands in every text of the event that belongs to someone else."""


def address(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def theirs(make_event: MakeEvent) -> Event:
    """An event of another organiser, with a row of every kind."""
    rival = person("rival", ORGANISER, first_name=SECRET)
    event = make_event("gl-ES", "ca-ES", title=f"Meeting on {SECRET}")
    event.owner, event.starts_at = rival, timezone.now()
    event.save()
    speaker = event.speakers.get()
    speaker.name = SECRET
    speaker.save()
    EventMember.objects.create(event=event, user=person("friend", REVIEWER), role=Role.REVIEWER)
    term = GlossaryTerm.objects.create(event=event, term=SECRET)
    GlossaryTranslation.objects.create(
        term=term, language=Language.objects.get(code="gl-ES"), text=SECRET
    )
    session = LiveSession.go_live(
        speaker, client="tab", source_language="en-US", rehearsal=False, take_over=False
    )
    segment = session.finish_segment(
        source_language="en-US",
        text=SECRET,
        start_ms=0,
        end_ms=1,
        acked_frame=0,
        acked_samples=0,
    )
    session.finish_translation(segment, "en-US", SECRET)
    session.finish_translation(segment, "gl-ES", SECRET).correct(f"{SECRET}!", rival)
    session.end()
    VideoSeat.queue(session, "gl-ES", "region")
    ListenerReport.objects.create(event=event, language="gl-ES", message=SECRET)
    AudienceSample.objects.create(session=session, language="gl-ES", listeners=3, with_sound=2)
    SessionLogEntry.objects.create(session=session, kind="problem", code="internal", text=SECRET)
    AudienceCount.report("process", {StreamKey(event.pk, "gl-ES", False): Heard(3, 2)})
    LanguageReview.objects.create(session=session, language="gl-ES", state="reviewed")
    OperatorPresence.report("process", event.pk, [rival.pk])
    return event


@pytest.fixture
def mine(make_event: MakeEvent) -> Event:
    """The organiser's own event; an operator and a reviewer are given it."""
    event = make_event("es-ES", title="My meeting")
    event.owner = person(ORGANISER, ORGANISER)
    event.starts_at = timezone.now().replace(microsecond=0)
    event.save()
    for group in (REVIEWER, OPERATOR):
        EventMember.objects.create(event=event, user=person(group, group), role=group.lower())
    return event


@pytest.fixture(params=ROLES)
def colleague(request: pytest.FixtureRequest, client: Client, mine: Event, theirs: Event) -> User:
    """Somebody of each role, signed in, who has nothing to do with the event `theirs`."""
    user = User.objects.get(username=request.param)
    client.force_login(user)
    return user


def rows_of(event: Event, model: type[Model]) -> list[Any]:
    path = RULES[model].event
    rows = model._default_manager.filter(**{path or "pk": event.pk})
    assert rows.exists(), f"the test needs a {model.__name__} of someone else"
    return list(rows.order_by("pk"))


def everything() -> str:
    """All rows of ours, as they stand in the database."""
    models = apps.get_app_config("sessions_app").get_models()
    rows = (row for model in models for row in model._default_manager.order_by("pk"))
    # When an event of one's own was saved last tells nothing of others'.
    return re.sub(r'"changed_at": "[^"]*"', "", str(serializers.serialize("json", rows)))


# The rules


def test_every_kind_of_row_has_a_rule_or_belongs_to_all() -> None:
    models = set(apps.get_app_config("sessions_app").get_models())
    # Join tables of Django's own belong to what they join. A link may give away sessions of several
    # events: who sees it is tested with the export page.
    assert models == set(RULES) | CATALOGUE | {Preferences, ExportLink}


@pytest.mark.parametrize(
    ("role", "actions"),
    [
        (None, set()),
        (Role.ORGANISER, set(Action)),
        (Role.REVIEWER, {Action.VIEW, Action.REVIEW, Action.EXPORT}),
        (Role.OPERATOR, {Action.VIEW, Action.RUN}),
    ],
)
def test_what_each_role_may_do_at_an_event(
    make_event: MakeEvent, role: Role | None, actions: set[Action]
) -> None:
    event = make_event()
    helper = person("helper", *ROLES)
    if role:
        EventMember.objects.create(event=event, user=helper, role=role)
    make_event()
    assert {action for action in Action if may(helper, action, event)} == actions
    for action in Action:
        assert list(events_for(helper, action)) == ([event] if action in actions else [])
    for outside in ({"is_active": False}, {"is_staff": False}):
        User.objects.filter(pk=helper.pk).update(**{"is_active": True, "is_staff": True, **outside})
        left = User.objects.get(pk=helper.pk)
        assert [action for action in Action if may(left, action, event)] == []


def test_an_owner_and_an_administrator_may_do_everything(mine: Event, theirs: Event) -> None:
    owner, administrator = User.objects.get(username=ORGANISER), person("admin", ADMINISTRATOR)
    for action in Action:
        assert (may(owner, action, mine), may(owner, action, theirs)) == (True, False)
        assert may(administrator, action, mine) and may(administrator, action, theirs)


def test_every_row_knows_its_event(mine: Event, theirs: Event) -> None:
    owner = User.objects.get(username="rival")
    for model in RULES:
        rows = rows_of(theirs, model)
        assert {event_id_of(row) for row in rows} == {theirs.pk}
        found = rows_for(owner, RULES[model].to_view, model._default_manager.order_by("pk"))
        assert list(found) == rows


# The back office


def test_no_list_shows_it(client: Client, colleague: User, theirs: Event) -> None:
    seen = 0
    for model in OF_AN_EVENT:
        for words in ("", SECRET, theirs.join_code, "rival"):
            page = client.get(address(model, "changelist"), {"q": words})
            if page.status_code == 403:
                continue
            seen += 1
            listed = page.context["cl"].queryset
            assert not listed.filter(pk__in=[row.pk for row in rows_of(theirs, model)]).exists()
            if not words:
                # Neither do its filters.
                text = page.content.decode()
                hidden = (SECRET, theirs.join_code, "rival", "gl-ES", "Galician")
                assert [word for word in hidden if word in text] == []
    assert seen > 30


@pytest.mark.parametrize("page", ["change", "delete", "history"])
def test_its_pages_answer_as_if_it_did_not_exist(
    client: Client, colleague: User, theirs: Event, page: str
) -> None:
    before = everything()
    nothing = 987_654
    data = {"post": "yes", "shown": "Forged", "title": "Forged", "name": "Forged", "_save": "Save"}

    def answers(model: type[Model], pk: int) -> list[tuple[int, str]]:
        found = []
        for send in (client.get, client.post):
            answer = send(address(model, page, pk), data)
            assert SECRET not in answer.content.decode()
            found.append((answer.status_code, answer.headers.get("Location", "")))
        return found

    for model in OF_AN_EVENT:
        row = rows_of(theirs, model)[0].pk
        answered = answers(model, row)
        assert answered == answers(model, nothing)
        assert {code for code, _ in answered} <= {302, 403, 405}
    assert everything() == before


@pytest.mark.parametrize("given", [False, True])
def test_no_action_reaches_it(client: Client, colleague: User, theirs: Event, given: bool) -> None:
    """Also where the person may look at it."""
    if given:
        EventMember.objects.create(event=theirs, user=colleague, role=Role.REVIEWER)
    before = everything()
    for model in OF_AN_EVENT:
        rows = [row.pk for row in rows_of(theirs, model)]
        actions = admin.site._registry[model].actions or []
        for name in ("delete_selected", *(getattr(one, "__name__", one) for one in actions)):
            chosen = {"action": name, "_selected_action": rows, "post": "yes"}
            client.post(address(model, "changelist"), chosen)
    assert everything() == before


def test_no_field_offers_it(client: Client, colleague: User, theirs: Event) -> None:
    asked = 0
    for model, site in admin.site._registry.items():
        pages: list[tuple[type[Model], Any]] = [(model, site)]
        pages += [(inline.model, inline) for inline in site.inlines]
        for owner, page in pages:
            for field in page.autocomplete_fields:
                for term in ("", SECRET):
                    about = {
                        "app_label": owner._meta.app_label,
                        "model_name": owner._meta.model_name,
                        "field_name": field,
                        "term": term,
                    }
                    answer = client.get(reverse("admin:autocomplete"), about)
                    assert answer.status_code in {200, 403}
                    assert SECRET not in answer.content.decode()
                    assert "rival" not in answer.content.decode()
                    asked += 1
    assert asked > 10


def test_nothing_can_be_added_to_it(client: Client, mine: Event, theirs: Event) -> None:
    client.force_login(User.objects.get(username=ORGANISER))
    before = everything()
    term = GlossaryTerm.objects.get(event=theirs)
    french = Language.objects.get(code="fr-FR").pk
    no_rows = {"translations-TOTAL_FORMS": 0, "translations-INITIAL_FORMS": 0}
    forged: list[tuple[str, dict[str, Any]]] = [
        ("speaker", {"event": theirs.pk, "name": "Forged"}),
        ("glossaryterm", {"event": theirs.pk, "term": "Forged", **no_rows}),
        ("glossarytranslation", {"term": term.pk, "language": french, "text": "Forged"}),
        ("eventlanguage", {"event": theirs.pk, "language": french}),
    ]
    for model, data in forged:
        page = client.post(reverse(f"admin:sessions_app_{model}_add"), data)
        assert page.status_code == 200
        chosen = page.context["adminform"].form.errors["term" if "text" in data else "event"]
        assert chosen == ["Select a valid choice. That choice is not one of the available choices."]
    assert everything() == before


def test_its_rows_cannot_be_slipped_into_ones_own_event(
    client: Client, mine: Event, theirs: Event
) -> None:
    client.force_login(User.objects.get(username=ORGANISER))
    before = everything()
    path = address(Event, "change", mine.pk)
    data = form_of(client.get(path))
    for prefix, row in (
        ("speakers", theirs.speakers.get()),
        ("languages", theirs.languages.all()[0]),
        ("members", theirs.members.get()),
    ):
        forged = {
            f"{prefix}-TOTAL_FORMS": 1,
            f"{prefix}-INITIAL_FORMS": 1,
            f"{prefix}-0-id": row.pk,
            f"{prefix}-0-event": theirs.pk,
            f"{prefix}-0-name": "Forged",
            f"{prefix}-0-term": "Forged",
        }
        assert client.post(path, {**data, **forged}).status_code == 200
        client.post(path, {**data, **forged, f"{prefix}-0-DELETE": "on"})
    assert everything() == before


def test_its_speakers_links_are_not_told_nor_revoked(
    client: Client, colleague: User, theirs: Event
) -> None:
    speaker = theirs.speakers.get()
    kinds = ContentType.objects.get_for_models(Speaker, Event)
    for row in (speaker, theirs):
        assert client.get(f"/admin/r/{kinds[type(row)].pk}/{row.pk}/").status_code == 404
    path = reverse("admin:sessions_app_speaker_revoke", args=[speaker.pk])
    assert client.post(path).status_code == 404
    speaker.refresh_from_db()
    assert speaker.revoked_at is None


def test_who_is_in_no_group_opens_nothing(client: Client, theirs: Event) -> None:
    client.force_login(person("nobody"))
    for model in admin.site._registry:
        assert client.get(address(model, "changelist")).status_code == 403
        assert client.get(address(model, "add")).status_code == 403


# What somebody is given


@pytest.mark.parametrize(("role", "told"), [(REVIEWER, False), (OPERATOR, True), (ORGANISER, True)])
def test_secret_links_are_told_to_who_runs_the_event(
    client: Client, theirs: Event, role: str, told: bool
) -> None:
    """Whatever else a person is elsewhere."""
    helper = person("helper", *ROLES)
    EventMember.objects.create(event=theirs, user=helper, role=role.lower())
    client.force_login(helper)
    text = client.get(address(Event, "change", theirs.pk)).content.decode()
    assert theirs.title in text
    secrets = [theirs.speakers.get().token, theirs.rehearsal_key]
    assert [secret in text for secret in secrets] == [told, told]
    token = theirs.speakers.get().token
    guessed = client.get(address(Speaker, "changelist"), {"token__startswith": token[:4]})
    assert guessed.context["cl"].result_count == told


@pytest.mark.parametrize(("role", "corrected"), [(REVIEWER, 1), (OPERATOR, 0), (ORGANISER, 1)])
def test_transcripts_are_corrected_by_who_reviews(
    client: Client, theirs: Event, role: str, corrected: int
) -> None:
    helper = person("helper", *ROLES)
    EventMember.objects.create(event=theirs, user=helper, role=role.lower())
    client.force_login(helper)
    segment = theirs.live_sessions.get().segments.get()
    path = reverse("admin:sessions_app_segment_change", args=[segment.pk])
    assert client.get(path).status_code == 200
    no_rows = {"translations-TOTAL_FORMS": 0, "translations-INITIAL_FORMS": 0}
    client.post(path, {"shown": "Corrected", **no_rows})
    assert Correction.objects.filter(text="Corrected", author=helper).count() == corrected


@pytest.mark.parametrize(("role", "changes"), [(REVIEWER, 0), (OPERATOR, 0), (ORGANISER, 1)])
def test_an_event_is_changed_and_closed_by_its_organisers(
    client: Client, theirs: Event, role: str, changes: int
) -> None:
    helper = person("helper", *ROLES)
    EventMember.objects.create(event=theirs, user=helper, role=role.lower())
    client.force_login(helper)
    path = address(Event, "change", theirs.pk)
    page = client.get(path)
    inlines = [one.opts.model for one in page.context["inline_admin_formsets"]]
    assert (EventMember in inlines) == bool(changes)
    client.post(path, {**form_of(page), "title": "Changed"})
    client.post(address(Event, "changelist"), {"action": "close", "_selected_action": [theirs.pk]})
    theirs.refresh_from_db()
    assert [theirs.title == "Changed", theirs.closed_at is not None] == [bool(changes)] * 2


# Owners and people


NEW_EVENT = {
    "title": "New",
    "access": "open",
    "duration_min": 60,
    "starts_at_0": "2031-06-03",
    "starts_at_1": "12:00",
    "video_seats": 0,
    "hold_s": 0,
    **{
        f"{prefix}-{total}_FORMS": 0
        for prefix in ("languages", "speakers", "members")
        for total in ("TOTAL", "INITIAL")
    },
}


def test_who_creates_an_event_owns_it_and_keeps_it(client: Client, mine: Event) -> None:
    me, other = User.objects.get(username=ORGANISER), person("other", ORGANISER)
    client.force_login(me)
    data = {
        **NEW_EVENT,
        "source_languages": [Language.objects.get(code="en-US").pk],
        "avatar": mine.avatar.pk,
    }
    client.post(address(Event, "add"), {**data, "owner": other.pk})
    event = Event.objects.get(title="New")
    assert event.owner == me
    for owner in ("", other.pk):
        path = address(Event, "change", event.pk)
        answer = client.post(path, {**form_of(client.get(path)), "owner": owner})
        assert answer.status_code == 302
        event.refresh_from_db()
        assert event.owner == me


def test_an_administrator_gives_an_event_to_somebody_else(client: Client, mine: Event) -> None:
    client.force_login(person("admin", ADMINISTRATOR))
    other = person("other", ORGANISER)
    path = address(Event, "change", mine.pk)
    client.post(path, {**form_of(client.get(path)), "owner": other.pk})
    mine.refresh_from_db()
    assert mine.owner == other


@pytest.mark.parametrize(
    ("group", "role", "accepted"),
    [
        (REVIEWER, "reviewer", True),
        (ORGANISER, "reviewer", True),
        (OPERATOR, "operator", True),
        (REVIEWER, "operator", False),
        (OPERATOR, "organiser", False),
    ],
)
def test_a_role_is_given_to_who_can_fill_it(
    client: Client, mine: Event, group: str, role: str, accepted: bool
) -> None:
    client.force_login(User.objects.get(username=ORGANISER))
    helper = person("helper", group)
    path = address(Event, "change", mine.pk)
    data = form_of(client.get(path))
    added = {
        "members-TOTAL_FORMS": 3,
        "members-2-event": mine.pk,
        "members-2-user": helper.pk,
        "members-2-role": role,
    }
    page = client.post(path, {**data, **added})
    assert mine.members.filter(user=helper, role=role).exists() == accepted
    if not accepted:
        assert f"helper is not in the group {role.capitalize()}." in page.content.decode()


def test_only_people_of_the_back_office_can_be_given_a_role(client: Client, mine: Event) -> None:
    client.force_login(User.objects.get(username=ORGANISER))
    person("in no group")
    person("listener", is_staff=False)
    left = person("left", REVIEWER, is_active=False)
    EventMember.objects.create(event=mine, user=left, role=Role.REVIEWER)
    path = address(Event, "change", mine.pk)
    page = client.get(path)
    inlines = page.context["inline_admin_formsets"]
    people = next(one for one in inlines if one.opts.model is EventMember)
    offered = {label for _, label in people.formset.forms[0].fields["user"].choices}
    assert offered == {"---------", ORGANISER, REVIEWER, OPERATOR, "left"}
    # Somebody who has left since does not keep the event from being saved.
    assert client.post(path, {**form_of(page), "title": "Changed"}).status_code == 302


def test_a_page_with_many_people_asks_no_more_than_one_with_few(
    client: Client, mine: Event
) -> None:
    client.force_login(User.objects.get(username=ORGANISER))
    path = address(Event, "change", mine.pk)
    client.get(path)
    counts = []
    for number in (3, 30):
        while mine.members.count() < number:
            helper = person(f"helper {mine.members.count()}", REVIEWER)
            EventMember.objects.create(event=mine, user=helper, role=Role.REVIEWER)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(path).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_history_tells_of_a_pin_without_naming_it(client: Client, mine: Event) -> None:
    client.force_login(User.objects.get(username=ORGANISER))
    path = address(Event, "change", mine.pk)
    data = form_of(client.get(path))
    refused = client.post(path, {**data, "access": "pin", "pin": ""})
    assert refused.context["adminform"].form.errors == {
        "pin": ["Write the PIN that listeners shall type."]
    }
    assert client.post(path, {**data, "access": "pin", "pin": "Blue42"}).status_code == 302
    logged = LogEntry.objects.get().get_change_message()
    assert ("PIN" in logged, "Blue42" in logged) == (True, False)
