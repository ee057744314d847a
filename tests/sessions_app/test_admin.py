"""The back office."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from sessions_app.messages import FinalCaption
from sessions_app.models import (
    AudienceCount,
    Avatar,
    CaptionStream,
    Correction,
    Event,
    EventLanguage,
    EventMember,
    GlossaryTerm,
    GlossaryTranslation,
    Language,
    ListenerReport,
    LiveSession,
    Segment,
    Speaker,
    Translation,
    VideoResource,
    VideoSeat,
    Voice,
)
from sessions_app.models.audience import Heard, StreamKey
from sessions_app.permissions import OPERATOR
from tests.forms import form_of
from tests.people import person

pytestmark = pytest.mark.django_db

MakeEvent = Callable[..., Event]
MODELS: list[type[Model]] = [
    AudienceCount,
    Avatar,
    CaptionStream,
    Correction,
    Event,
    EventLanguage,
    GlossaryTerm,
    GlossaryTranslation,
    Language,
    ListenerReport,
    LiveSession,
    Segment,
    Speaker,
    Translation,
    VideoResource,
    VideoSeat,
    Voice,
]
WRITTEN_BY_THE_SYSTEM = {
    AudienceCount,
    CaptionStream,
    Correction,
    ListenerReport,
    LiveSession,
    Segment,
    Translation,
    VideoResource,
    VideoSeat,
}
READ_ONLY = WRITTEN_BY_THE_SYSTEM - {Segment, Translation}


@pytest.fixture
def organiser(client: Client) -> User:
    user = User.objects.create_superuser("organiser")
    client.force_login(user)
    return user


def address(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:sessions_app_{model._meta.model_name}_{page}", args=args)


def run(event: Event, author: User) -> LiveSession:
    """A session with two segments, translations of which one failed, and corrections."""
    session = LiveSession.go_live(
        event.speakers.all()[0],
        client="tab-1",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )
    for number, (text, spanish) in enumerate([("Hello.", "Hola."), ("Bye.", None)]):
        segment = session.finish_segment(
            source_language="en-US",
            text=text,
            start_ms=number * 65_000,
            end_ms=number * 65_000 + 900,
            acked_frame=number,
            acked_samples=number,
        )
        session.finish_translation(segment, "en-US", text)
        translation = session.finish_translation(segment, "es-ES", spanish)
        translation.correct("Corregido.", author)
    session.end()
    return session


def fill(make_event: MakeEvent, author: User) -> None:
    """At least one more row of every model."""
    event = make_event("es-ES", title="Annual meeting")
    event.owner = author
    event.starts_at = timezone.now()
    event.save()
    Speaker.objects.create(event=event, name="Guest").revoke()
    term = GlossaryTerm.objects.create(event=event, term="churn")
    GlossaryTranslation.objects.create(
        term=term, language=Language.objects.get(code="es-ES"), text="bajas"
    )
    session = run(event, author)
    VideoSeat.queue(session, "es-ES", f"region-{event.pk}")
    ListenerReport.objects.create(event=event, language="es-ES", message="No sound.")
    AudienceCount.report(f"process-{event.pk}", {StreamKey(event.pk, "es-ES", False): Heard(3, 2)})


# Every page


def test_every_model_is_there() -> None:
    registered = {
        model for model in admin.site._registry if model._meta.app_label == "sessions_app"
    }
    assert registered == set(MODELS)


@pytest.mark.parametrize("model", MODELS)
def test_lists_open_and_are_searched(
    client: Client, organiser: User, make_event: MakeEvent, model: type[Model]
) -> None:
    fill(make_event, organiser)
    everything = client.get(address(model, "changelist"))
    assert everything.status_code == 200
    assert everything.context["cl"].result_count >= 1
    nothing = client.get(address(model, "changelist"), {"q": "no such words anywhere"})
    assert nothing.context["cl"].result_count == 0


@pytest.mark.parametrize("model", MODELS)
def test_every_filter_can_be_chosen(
    client: Client, organiser: User, make_event: MakeEvent, model: type[Model]
) -> None:
    fill(make_event, organiser)
    page = client.get(address(model, "changelist"))
    for chosen in page.context["cl"].filter_specs:
        for choice in chosen.choices(page.context["cl"]):
            path = address(model, "changelist") + choice["query_string"]
            assert client.get(path).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_every_row_opens(
    client: Client, organiser: User, make_event: MakeEvent, model: type[Model]
) -> None:
    fill(make_event, organiser)
    row = model._default_manager.order_by("pk").first()
    assert row is not None
    page = client.get(address(model, "change", row.pk))
    assert page.status_code == 200
    assert page.context["has_change_permission"] == (model not in READ_ONLY)


@pytest.mark.parametrize("model", MODELS)
def test_people_add_and_delete_only_what_people_write(
    client: Client, organiser: User, make_event: MakeEvent, model: type[Model]
) -> None:
    fill(make_event, organiser)
    row = model._default_manager.order_by("-pk").first()
    assert row is not None
    expected = 403 if model in WRITTEN_BY_THE_SYSTEM else 200
    assert client.get(address(model, "add")).status_code == expected
    assert client.get(address(model, "delete", row.pk)).status_code == expected


@pytest.mark.parametrize("model", MODELS)
def test_a_longer_list_asks_the_database_no_more_often(
    client: Client, organiser: User, make_event: MakeEvent, model: type[Model]
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(address(model, "changelist"), {"all": ""}).status_code == 200
        return len(captured)

    fill(make_event, organiser)
    fill(make_event, organiser)
    before = queries()
    for _ in range(4):
        fill(make_event, organiser)
    assert queries() <= before


def test_strangers_and_listeners_stay_outside(client: Client, make_event: MakeEvent) -> None:
    event = make_event()
    client.force_login(User.objects.create_user("somebody"))
    response = client.get(address(Event, "change", event.pk))
    assert (response.status_code, response["Location"].split("?")[0]) == (302, "/admin/login/")


# Searching


@pytest.mark.parametrize("words", ["Weekly", "{code}", "Guest speaker", "boss"])
def test_an_event_is_found_by_what_people_know_of_it(
    client: Client, organiser: User, make_event: MakeEvent, words: str
) -> None:
    event = make_event(title="Weekly meeting")
    make_event(title="Another one")
    Speaker.objects.create(event=event, name="Guest speaker")
    event.owner = User.objects.create_user("boss")
    event.save()
    search = words.format(code=event.join_code)
    found = client.get(address(Event, "changelist"), {"q": search}).context["cl"].result_list
    assert list(found) == [event]


def test_a_running_event_is_told_from_an_open_and_a_closed_one(
    client: Client, organiser: User, make_event: MakeEvent
) -> None:
    running, waiting, closed = (make_event(title=title) for title in ("Now", "Later", "Over"))
    closed.closed_at = timezone.now()
    closed.save()
    LiveSession.go_live(
        running.speakers.get(),
        client="tab-1",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )
    run(waiting, organiser)

    def listed(state: str) -> dict[str, str]:
        changelist = client.get(address(Event, "changelist"), {"state": state}).context["cl"]
        return {row.title: changelist.model_admin.state(row) for row in changelist.result_list}

    room = reverse("control", args=[running.pk])
    live = f'live · <a href="{room}">Control room</a>'
    assert listed("running") == {"Now": live}
    assert listed("open") == {"Now": live, "Later": "open"}
    assert listed("closed") == {"Over": "closed"}


# Events


def test_a_new_event_belongs_to_who_made_it_and_shows_its_links(
    client: Client, organiser: User
) -> None:
    ada = Avatar.objects.get(character="ada", style="casual")
    spanish = Language.objects.get(code="es-ES")
    data = {
        "title": "Weekly meeting",
        "starts_at_0": "2031-05-06",
        "starts_at_1": "14:00",
        "duration_min": 60,
        "source_languages": [Language.objects.get(code="en-US").pk],
        "avatar": ada.pk,
        "video_seats": 0,
        "hold_s": 0,
        "access": "open",
        "pin": "",
        "owner": "",
        "languages-TOTAL_FORMS": 1,
        "languages-INITIAL_FORMS": 0,
        "languages-0-language": spanish.pk,
        "speakers-TOTAL_FORMS": 1,
        "speakers-INITIAL_FORMS": 0,
        "speakers-0-name": "Guest",
        "members-TOTAL_FORMS": 0,
        "members-INITIAL_FORMS": 0,
    }
    response = client.post(address(Event, "add"), data, follow=True)
    event = Event.objects.get()
    assert (event.owner, list(event.target_languages.all())) == (organiser, [spanish])
    assert response.redirect_chain == [(address(Event, "change", event.pk), 302)]
    text = response.content.decode()
    speaker = event.speakers.get()
    assert f"http://testserver/listener/{event.join_code}/" in text
    assert f"/listener/{event.join_code}/qr.svg" in text
    assert f"http://testserver/speaker/{speaker.token}/" in text


def test_a_voice_of_another_language_is_refused(
    client: Client, organiser: User, make_event: MakeEvent
) -> None:
    event = make_event("es-ES")
    page = client.get(address(Event, "change", event.pk))
    data = form_of(page) | {
        "languages-0-voice": Voice.objects.get(code="fr", language__code="fr-FR").pk,
    }
    response = client.post(address(Event, "change", event.pk), data)
    assert response.status_code == 200
    assert "eSpeak Man does not speak Spanish (Spain)." in response.content.decode()
    assert event.languages.get().voice is None


def test_saving_a_glossary_term_leads_back_to_its_glossary(
    client: Client, organiser: User, make_event: MakeEvent
) -> None:
    event = make_event("es-ES")
    data = {
        "event": event.pk,
        "term": "Quarterly",
        "keep": "on",
        "translations-TOTAL_FORMS": 0,
        "translations-INITIAL_FORMS": 0,
    }
    response = client.post(address(GlossaryTerm, "add"), data)
    glossary = reverse("event-glossary", args=[event.pk])
    assert (response.status_code, response["Location"]) == (302, glossary)


def test_events_are_closed_and_opened_again(
    client: Client, organiser: User, make_event: MakeEvent
) -> None:
    event, other = make_event(), make_event()
    for action, closed in (("close", True), ("reopen", False)):
        client.post(
            address(Event, "changelist"), {"action": action, "_selected_action": [event.pk]}
        )
        event.refresh_from_db()
        other.refresh_from_db()
        assert ((event.closed_at is not None), other.closed_at) == (closed, None)


def test_an_event_that_was_run_survives_a_deletion(
    client: Client, organiser: User, make_event: MakeEvent
) -> None:
    event = make_event()
    session = run(event, organiser)
    client.post(address(Event, "delete", event.pk), {"post": "yes"})
    chosen = {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"}
    client.post(address(Event, "changelist"), chosen)
    assert list(event.live_sessions.all()) == [session]


# Speakers' links


def test_a_link_is_revoked_from_its_events_page(
    client: Client, organiser: User, make_event: MakeEvent
) -> None:
    event = make_event()
    speaker = event.speakers.get()
    guest = Speaker.objects.create(event=event, name="Guest")
    response = client.post(reverse("admin:sessions_app_speaker_revoke", args=[speaker.pk]))
    assert response["Location"] == address(Event, "change", event.pk)
    speaker.refresh_from_db()
    guest.refresh_from_db()
    assert ((speaker.revoked_at is not None), guest.revoked_at) == (True, None)
    page = client.get(address(Event, "change", event.pk)).content.decode()
    assert speaker.token not in page
    assert guest.token in page


def test_links_are_revoked_from_the_list(
    client: Client, organiser: User, make_event: MakeEvent
) -> None:
    first, second = make_event().speakers.get(), make_event().speakers.get()
    chosen = {"action": "revoke", "_selected_action": [first.pk]}
    client.post(address(Speaker, "changelist"), chosen)
    assert list(Speaker.objects.filter(revoked_at=None)) == [second]


def test_looking_at_a_link_does_not_revoke_it(
    client: Client, organiser: User, make_event: MakeEvent
) -> None:
    speaker = make_event().speakers.get()
    path = reverse("admin:sessions_app_speaker_revoke", args=[speaker.pk])
    assert client.get(path).status_code == 405
    client.force_login(User.objects.create_user("helper", is_staff=True))
    assert client.post(path).status_code == 404
    speaker.refresh_from_db()
    assert speaker.revoked_at is None


# Transcripts


@pytest.fixture
def said(organiser: User, make_event: MakeEvent) -> Segment:
    """A segment “Hello.” with a Spanish translation “Hola.”, nothing corrected."""
    session = LiveSession.go_live(
        make_event("es-ES", "fr-FR").speakers.get(),
        client="tab-1",
        source_language="en-US",
        rehearsal=False,
        take_over=False,
    )
    segment = session.finish_segment(
        source_language="en-US",
        text="Hello.",
        start_ms=0,
        end_ms=900,
        acked_frame=0,
        acked_samples=0,
    )
    for language, text in (("en-US", "Hello."), ("es-ES", "Hola."), ("fr-FR", None)):
        session.finish_translation(segment, language, text)
    return segment


def captions(segment: Segment) -> dict[str, tuple[str | None, str, int]]:
    """Text, source and seq of each language, as listeners get them."""
    shown = [FinalCaption.of(one) for one in Translation.objects.shown().filter(segment=segment)]
    return {one.language: (one.text, one.source, one.seq) for one in shown}


def test_a_session_found_by_its_words_is_listed_once_with_all_its_segments(
    client: Client, said: Segment
) -> None:
    said.session.segments.create(
        number=2, source_language="en-US", text="Hello again.", start_ms=1, end_ms=2
    )
    said.session.segments.create(
        number=3, source_language="en-US", text="Goodbye.", start_ms=3, end_ms=4
    )
    found = client.get(address(LiveSession, "changelist"), {"q": "hello"}).context["cl"]
    assert [(session.pk, session.said) for session in found.result_list] == [(said.session_id, 3)]


def test_saving_a_segment_untouched_corrects_nothing(client: Client, said: Segment) -> None:
    path = address(Segment, "change", said.pk)
    response = client.post(path, form_of(client.get(path)))
    assert response.status_code == 302
    assert Correction.objects.count() == 0


def test_words_and_translations_are_corrected_in_one_go(
    client: Client,
    organiser: User,
    said: Segment,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    path = address(Segment, "change", said.pk)
    data = form_of(client.get(path))
    data |= {"shown": "Hello!", "translations-0-shown": "¡Hola!", "translations-1-shown": "Salut !"}
    with django_capture_on_commit_callbacks(execute=True) as published:
        response = client.post(path, data)
    assert response.status_code == 302
    assert len(published) == 3
    assert captions(said) == {
        "en-US": ("Hello!", "Hello!", 2),
        "es-ES": ("¡Hola!", "Hello!", 3),
        "fr-FR": ("Salut !", "Hello!", 3),
    }
    corrections = Correction.objects.order_by("pk").values_list("text", "author__username")
    assert list(corrections) == [
        ("Hello!", "organiser"),
        ("¡Hola!", "organiser"),
        ("Salut !", "organiser"),
    ]
    said.refresh_from_db()
    machine = said.translations.order_by("language").values_list("text", flat=True)
    assert (said.text, list(machine)) == ("Hello.", ["Hello.", "Hola.", None])


def test_a_correction_is_corrected_again(client: Client, said: Segment) -> None:
    path = address(Segment, "change", said.pk)
    for text in ("Hullo.", "  Hello\nthere. "):
        client.post(path, form_of(client.get(path)) | {"shown": text})
    assert client.get(path).context["adminform"].form["shown"].value() == "Hello there."
    assert [one.text for one in Correction.objects.order_by("pk")] == ["Hullo.", "Hello there."]


def test_one_translation_is_corrected_on_its_own_page(
    client: Client, organiser: User, said: Segment
) -> None:
    spanish = said.translations.get(language="es-ES")
    path = address(Translation, "change", spanish.pk)
    client.post(path, form_of(client.get(path)) | {"shown": "¡Hola!"})
    correction = Correction.objects.get()
    assert (correction.translation, correction.text, correction.author) == (
        spanish,
        "¡Hola!",
        organiser,
    )


def test_correcting_the_spoken_language_corrects_what_was_said(
    client: Client, said: Segment
) -> None:
    path = address(Translation, "change", said.translations.get(language="en-US").pk)
    client.post(path, form_of(client.get(path)) | {"shown": "Hello!"})
    assert captions(said) == {
        "en-US": ("Hello!", "Hello!", 2),
        "es-ES": ("Hola.", "Hello!", 2),
        "fr-FR": (None, "Hello!", 2),
    }


def test_machine_text_cannot_be_overwritten(client: Client, said: Segment) -> None:
    spanish = said.translations.get(language="es-ES")
    for row in (said, spanish):
        path = address(type(row), "change", row.pk)
        forged = {"text": "Forged.", "translations-0-text": "Forged.", "seq": 99, "number": 99}
        client.post(path, form_of(client.get(path)) | forged)
        before = str(row)
        row.refresh_from_db()
        assert str(row) == before


def test_a_session_shows_what_was_said_and_corrected(
    client: Client, organiser: User, said: Segment
) -> None:
    said.translations.get(language="es-ES").correct("¡Hola!", organiser)
    page = client.get(address(LiveSession, "change", said.session_id))
    lines = [
        (
            line.time,
            line.text,
            line.corrected,
            [(one.language, one.text, one.corrected) for one in line.translations],
        )
        for line in page.context["lines"]
    ]
    assert lines == [("0:00", "Hello.", False, [("es-ES", "¡Hola!", True), ("fr-FR", None, False)])]
    assert address(Segment, "change", said.pk) in page.content.decode()


def test_a_long_transcript_has_pages(client: Client, said: Segment) -> None:
    Segment.objects.bulk_create(
        Segment(
            session=said.session,
            number=number,
            source_language="en-US",
            text=f"Line {number}.",
            start_ms=number * 1000,
            end_ms=number * 1000,
        )
        for number in range(2, 132)
    )
    path = address(LiveSession, "change", said.session_id)
    shown = [
        [line.segment.number for line in client.get(path, {"page": page}).context["lines"]]
        for page in (1, 2)
    ]
    assert shown == [list(range(1, 101)), list(range(101, 132))]


def test_who_may_only_look_cannot_correct(client: Client, said: Segment) -> None:
    helper = person("helper", OPERATOR)
    EventMember.objects.create(event=said.session.event, user=helper, role="operator")
    client.force_login(helper)
    path = address(Segment, "change", said.pk)
    assert client.get(path).status_code == 200
    assert client.post(path, {"shown": "Forged."}).status_code == 403
    assert Correction.objects.count() == 0
