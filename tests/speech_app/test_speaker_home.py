"""The speaker's page, and creating an event at `/speaker/`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from sessions_app.models import Avatar, Event, EventMember, Language, LiveSession, Speaker
from sessions_app.permissions import ADMINISTRATOR, OPERATOR, ORGANISER, REVIEWER
from speech_app.backends.base import AUTO
from speech_app.backends.embedded.backend import EmbeddedBackend
from tests.people import person

pytestmark = pytest.mark.django_db

MakeEvent = Callable[..., Event]


class TwoLanguageBackend(EmbeddedBackend):
    """A machine on which English reaches Spanish and French, German reaches Spanish only."""

    def source_languages(self) -> Sequence[str]:
        return (AUTO, "en-US", "de-DE")

    def target_languages(self, source: str) -> Sequence[str]:
        return {"en-US": ("es-ES", "fr-FR"), "de-DE": ("es-ES", "en-US")}.get(source, ())

    def problems(self) -> Sequence[str]:
        return ("Portuguese needs the package <apertium-por>.",)


@pytest.fixture(autouse=True)
def backend(monkeypatch: pytest.MonkeyPatch) -> None:
    # What the real one offers depends on the packages of the machine the tests run on.
    monkeypatch.setattr("speech_app.views.get_backend", TwoLanguageBackend)


@pytest.fixture
def organiser(client: Client) -> User:
    user = person("organiser", ORGANISER)
    client.force_login(user)
    return user


def filled(**changes: Any) -> dict[str, Any]:
    return {
        "title": "Board meeting",
        "source_language": "en-US",
        "languages": ["es-ES", "fr-FR"],
        "voice": "female",
        "avatar": Avatar.objects.get(character="mei", style="formal").pk,
        "background_colour": "#dfe6f1",
        **changes,
    }


# The speaker's page


def test_the_speakers_page_knows_its_event(client: Client, make_event: MakeEvent) -> None:
    event = make_event("ar-SA")
    speaker = event.speakers.get()
    code, key = event.join_code, event.rehearsal_key
    assert client.get(f"/speaker/{speaker.token}/").context["page"] == {
        "title": "Weekly meeting",
        "speaker_name": "Speaker",
        "socket_path": f"/ws/speak/{speaker.token}/",
        "listener_url": f"http://testserver/listener/{code}/",
        "rehearsal_url": f"http://testserver/listener/{code}/?rehearsal={key}",
        "qr_url": f"/listener/{code}/qr.svg",
        "rehearsal_qr_url": f"/listener/{code}/qr.svg?rehearsal={key}",
        "source_languages": [{"code": "en-US", "name": "English (United States)"}],
        "languages": [
            {
                "code": "ar-SA",
                "name": "Arabic (Saudi Arabia)",
                "native_name": "العربية (السعودية)",
                "direction": "rtl",
                "muted": False,
            }
        ],
        "sample_url": "/static/audio/quarterly-update.en.wav",
        "sample_language": "en-US",
    }


def test_several_spoken_languages_can_be_detected_where_the_backend_can(
    client: Client, make_event: MakeEvent
) -> None:
    event = make_event()
    event.source_languages.add(Language.objects.get(code="de-DE"))
    page = client.get(event.speakers.get().get_absolute_url()).context["page"]
    assert [one["code"] for one in page["source_languages"]] == ["auto", "en-US", "de-DE"]


def test_an_unknown_and_a_revoked_link_are_explained(client: Client, make_event: MakeEvent) -> None:
    speaker = make_event().speakers.get()
    unknown = client.get(f"/speaker/{speaker.token}x/")
    assert unknown.status_code == 404
    assert "does not exist" in unknown.context["heading"]
    speaker.revoke()
    revoked = client.get(speaker.get_absolute_url())
    assert revoked.status_code == 410
    assert "no longer valid" in revoked.context["heading"]
    assert speaker.token not in revoked.content.decode()


def test_the_secret_link_goes_nowhere(client: Client, make_event: MakeEvent) -> None:
    speaker = make_event().speakers.get()
    responses = [client.get(speaker.get_absolute_url()), client.get("/speaker/unknown/")]
    speaker.revoke()
    responses.append(client.get(speaker.get_absolute_url()))
    headers = [(one["Referrer-Policy"], one["Cache-Control"]) for one in responses]
    assert headers == [("no-referrer", "no-store")] * 3


def test_the_log_does_not_tell_a_key(
    client: Client, make_event: MakeEvent, caplog: pytest.LogCaptureFixture
) -> None:
    from avatartranslate.logs import HideSpeakerTokens

    caplog.handler.addFilter(HideSpeakerTokens())
    client.get("/speaker/not-to-be-seen/")
    client.get("/nowhere/?lang=es-ES&rehearsal=not-to-be-seen")
    logging.getLogger("uvicorn.access").warning("GET /listener/X/?rehearsal=not-to-be-seen&a=1")
    assert "/speaker/***/" in caplog.text
    assert "?rehearsal=***&a=1" in caplog.text
    assert "not-to-be-seen" not in caplog.text


# Who may create


def test_creating_needs_signing_in(client: Client) -> None:
    for response in (client.get("/speaker/"), client.post("/speaker/", filled())):
        assert (response.status_code, response["Location"]) == (
            302,
            "/sign-in/?next=/speaker/",
        )
    assert Event.objects.count() == 0


def test_organisers_may_create_and_nobody_else(client: Client) -> None:
    for visitor in (
        person("visitor", is_staff=False),
        person("staff"),
        person("outside", ORGANISER, is_staff=False),
        person("reviewer", REVIEWER),
        person("operator", OPERATOR),
    ):
        client.force_login(visitor)
        assert client.get("/speaker/").status_code == 403
        assert client.post("/speaker/", filled()).status_code == 403
    assert Event.objects.count() == 0
    for name, group in (("organiser", ORGANISER), ("administrator", ADMINISTRATOR)):
        client.force_login(person(name, group))
        assert client.get("/speaker/").status_code == 200
        assert client.post("/speaker/", filled()).status_code == 302
    owners = Event.objects.values_list("owner__username", flat=True)
    assert sorted(owners) == ["administrator", "organiser"]


def test_an_operator_opens_the_events_they_are_given_and_creates_none(
    client: Client, make_event: MakeEvent
) -> None:
    operator = person("operator", OPERATOR, REVIEWER)
    make_event(title="Somebody else's")
    for title, role in (("To run", "operator"), ("To review", "reviewer")):
        EventMember.objects.create(event=make_event(title=title), user=operator, role=role)
    client.force_login(operator)
    page = client.get("/speaker/")
    assert [card.title for card in page.context["events"]] == ["To run"]
    assert page.context["form"] is None
    assert client.post("/speaker/", filled()).status_code == 403
    assert Event.objects.count() == 3


# Creating


def test_the_form_offers_what_the_backend_has(client: Client, organiser: User) -> None:
    form = client.get("/speaker/").context["form"]
    offered = {
        name: {language.code for language in form.fields[name].queryset}
        for name in ("source_language", "languages")
    }
    assert offered == {
        "source_language": {"en-US", "de-DE"},
        "languages": {"es-ES", "fr-FR", "en-US"},
    }
    assert {avatar.kind for avatar in form.fields["avatar"].queryset} == {"drawn"}


def test_what_is_missing_on_this_machine_is_said(client: Client, organiser: User) -> None:
    text = client.get("/speaker/").content.decode()
    assert "Portuguese needs the package &lt;apertium-por&gt;." in text


def test_the_defaults_make_an_event_at_once(client: Client, organiser: User) -> None:
    form = client.get("/speaker/").context["form"]
    data = {field.html_name: field.value() for field in form if field.value()}
    client.post("/speaker/", data)
    event = Event.objects.get()
    assert [language.code for language in event.source_languages.all()] == ["en-US"]
    assert [language.code for language in event.target_languages.all()] == ["es-ES"]
    assert event.avatar == Avatar.objects.order_by("pk")[0]
    assert event.title.startswith("Live session, ")


def test_an_event_is_created_with_its_speaker_and_shown(client: Client, organiser: User) -> None:
    organiser.first_name, organiser.last_name = "Maria", "Weber"
    organiser.save()
    response = client.post("/speaker/", filled(voice="male"), follow=True)
    event = Event.objects.get()
    speaker = event.speakers.get()
    assert response.redirect_chain == [(f"/speaker/?created={event.join_code}", 302)]
    assert (event.title, event.owner, speaker.name) == ("Board meeting", organiser, "Maria Weber")
    assert list(event.languages.values_list("language__code", "voice__code").order_by("pk")) == [
        ("fr-FR", "fr"),
        ("es-ES", "es"),
    ]
    created = response.context["created"]
    assert (created.join_code, created.listener_url, created.speaker_url, created.qr_url) == (
        event.join_code,
        f"http://testserver/listener/{event.join_code}/",
        f"http://testserver/speaker/{speaker.token}/",
        f"/listener/{event.join_code}/qr.svg",
    )
    assert client.get(created.qr_url).status_code == 200
    assert client.get(created.speaker_url).status_code == 200
    assert client.get(created.listener_url).status_code == 200


def test_a_womans_voice_is_one_in_every_language(client: Client, organiser: User) -> None:
    client.post("/speaker/", filled(voice="female"))
    genders = Event.objects.get().languages.values_list("voice__gender", "voice__backend")
    assert set(genders) == {("female", "embedded")}


def test_the_avatar_gets_its_options(client: Client, organiser: User) -> None:
    mei = Avatar.objects.get(character="mei", style="formal")
    original = filled(background_colour=mei.background_colour[:7])
    client.post("/speaker/", filled(background_colour="#00aa00", transparent="on", crop="on"))
    client.post("/speaker/", original)
    plain, special = (event.avatar for event in Event.objects.order_by("-pk"))
    assert plain == mei
    assert (special.character, special.style) == ("mei", "formal")
    assert (special.background_colour, special.transparent, special.crop) == (
        "#00AA00FF",
        True,
        True,
    )
    offered = client.get("/speaker/").context["form"].fields["avatar"].queryset
    assert offered.filter(character="mei").count() == 2  # once for each of her styles


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"title": ""}, "title", "This field is required."),
        (
            {"title": "x" * 201},
            "title",
            "Ensure this value has at most 200 characters (it has 201).",
        ),
        ({"languages": []}, "languages", "Choose at least one language to translate into."),
        (
            {"source_language": "de-DE", "languages": ["es-ES", "fr-FR"]},
            "languages",
            "German cannot be translated into French (France) here.",
        ),
        (
            {"source_language": "en-US", "languages": ["en-US"]},
            "languages",
            "Choose a language other than the spoken one.",
        ),
        (
            {"languages": ["ja-JP"]},
            "languages",
            "Select a valid choice. ja-JP is not one of the available choices.",
        ),
        (
            {"source_language": "auto"},
            "source_language",
            "Select a valid choice. That choice is not one of the available choices.",
        ),
        ({"background_colour": "red;"}, "background_colour", "Choose a colour such as #FFFFFF."),
    ],
)
def test_a_mistake_is_explained_and_nothing_is_created(
    client: Client, organiser: User, changes: dict[str, Any], field: str, message: str
) -> None:
    response = client.post("/speaker/", filled(**changes))
    assert response.status_code == 200
    assert response.context["form"].errors == {field: [message]}
    assert (Event.objects.count(), Speaker.objects.count()) == (0, 0)


def test_the_spoken_language_needs_no_translation(client: Client, organiser: User) -> None:
    client.post("/speaker/", filled(source_language="de-DE", languages=["es-ES", "en-US"]))
    client.post("/speaker/", filled(source_language="en-US", languages=["es-ES", "en-US"]))
    targets = [
        [language.code for language in event.target_languages.order_by("code")]
        for event in Event.objects.order_by("pk")
    ]
    assert targets == [["en-US", "es-ES"], ["es-ES"]]


# Own events


def test_only_own_events_are_listed(client: Client, organiser: User, make_event: MakeEvent) -> None:
    mine, foreign = make_event(title="Mine"), make_event(title="Foreign")
    mine.owner = organiser
    mine.save()
    foreign.owner = person("other", ORGANISER)
    foreign.save()
    response = client.get("/speaker/", {"created": foreign.join_code})
    assert [card.title for card in response.context["events"]] == ["Mine"]
    assert response.context["created"] is None
    assert foreign.speakers.get().token not in response.content.decode()
    assert response["Cache-Control"] == "no-store"


def test_an_own_event_says_whether_it_runs_and_who_may_still_speak(
    client: Client, organiser: User, make_event: MakeEvent
) -> None:
    live, over = make_event(title="Live"), make_event(title="Over")
    for event in (over, live):
        event.owner = organiser
        event.save()
        session = LiveSession.go_live(
            event.speakers.get(),
            client="tab-1",
            source_language="en-US",
            rehearsal=False,
            take_over=False,
        )
        if event == over:
            session.end()
    over.speakers.get().revoke()
    cards = {card.title: card for card in client.get("/speaker/").context["events"]}
    assert cards["Live"].running == live.running_session() is not None
    assert (cards["Over"].running, cards["Over"].speaker_url) == (None, "")


def test_the_back_office_is_linked_for_who_may_open_it(
    client: Client, organiser: User, make_event: MakeEvent
) -> None:
    event = make_event()
    event.owner = organiser
    event.save()
    assert client.get("/speaker/").context["events"][0].get_absolute_admin_url == (
        f"/admin/sessions_app/event/{event.pk}/change/"
    )
