"""What of the catalogue is offered, where the backend has only some of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from sessions_app.availability import Availability
from sessions_app.models import Avatar, Event, EventLanguage, Language, Voice

pytestmark = pytest.mark.django_db

MakeEvent = Callable[..., Event]
SMALL = Availability(
    backend="embedded",
    sources=["en-US", "de-DE"],
    targets={"en-US": {"es-ES", "fr-FR"}, "de-DE": {"es-ES"}},
    voices={"es-ES": ["es", "es+f3"]},
    problems=["Translation into Portuguese needs the package <apertium-por>."],
)
SERVICE = replace(
    SMALL,
    backend="azure",
    voices={"es-ES": ["es-ES-ElviraNeural"]},
    voices_by_name=True,
    video=True,
)


def install(monkeypatch: pytest.MonkeyPatch, available: Availability) -> None:
    monkeypatch.setattr(Availability, "_here", lambda: available)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, SMALL)


@pytest.fixture(autouse=True)
def organiser(client: Client) -> User:
    user = User.objects.create_superuser("organiser")
    client.force_login(user)
    return user


def offered(client: Client, model: str, field: str, term: str = "") -> set[str]:
    """What a field of the back office's forms finds."""
    asked = {"app_label": "sessions_app", "model_name": model, "field_name": field, "term": term}
    found: set[str] = set()
    more, page = True, 1
    while more:
        answer = client.get(reverse("admin:autocomplete"), asked | {"page": str(page)}).json()
        found |= {result["text"] for result in answer["results"]}
        more, page = answer["pagination"]["more"], page + 1
    return found


def change_page(event: Event) -> str:
    return reverse("admin:sessions_app_event_change", args=[event.pk])


def filled(event: Event, **changes: Any) -> dict[str, Any]:
    """What a browser sends back of the event's page."""
    rows = list(event.languages.all())
    data: dict[str, Any] = {
        "title": event.title,
        "starts_at_0": "",
        "starts_at_1": "",
        "source_languages": [language.pk for language in event.source_languages.all()],
        "duration_min": event.duration_min,
        "access": event.access,
        "avatar": event.avatar_id,
        "video_seats": 0,
        "hold_s": 0,
        "owner": "",
        "languages-TOTAL_FORMS": len(rows),
        "languages-INITIAL_FORMS": len(rows),
        "speakers-TOTAL_FORMS": 0,
        "speakers-INITIAL_FORMS": 0,
        "members-TOTAL_FORMS": 0,
        "members-INITIAL_FORMS": 0,
    }
    for number, row in enumerate(rows):
        data |= {
            f"languages-{number}-id": row.pk,
            f"languages-{number}-event": event.pk,
            f"languages-{number}-language": row.language_id,
            f"languages-{number}-voice": row.voice_id or "",
            f"languages-{number}-avatar": row.avatar_id or "",
        }
    return data | changes


# What is offered


def test_fields_offer_the_languages_the_backend_has(client: Client) -> None:
    assert offered(client, "event", "source_languages") == {"English (United States)", "German"}
    assert offered(client, "eventlanguage", "language") == {"Spanish (Spain)", "French (France)"}


def test_fields_offer_the_voices_the_backend_has(client: Client) -> None:
    assert offered(client, "eventlanguage", "voice") == {
        "eSpeak Man (Spanish (Spain), Embedded)",
        "eSpeak Woman (Spanish (Spain), Embedded)",
    }
    assert offered(client, "eventlanguage", "voice", "woman") == {
        "eSpeak Woman (Spanish (Spain), Embedded)"
    }


def test_a_service_with_more_voices_than_are_listed_has_those_that_were_added(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, SERVICE)
    for language in ("es-ES", "it-IT"):
        Voice.objects.create(
            backend="azure",
            language=Language.objects.get(code=language),
            code=f"{language}-OwnNeural",
            name="Own",
            gender="female",
        )
    assert offered(client, "eventlanguage", "voice") == {
        "Alvaro (Spanish (Spain), Azure)",
        "Elvira (Spanish (Spain), Azure)",
        "Own (Spanish (Spain), Azure)",
    }


@pytest.mark.parametrize("model", ["event", "eventlanguage"])
def test_video_avatars_are_offered_where_there_is_video(
    client: Client, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    drawn = {str(avatar) for avatar in Avatar.objects.filter(kind="drawn")}
    assert offered(client, model, "avatar") == drawn
    install(monkeypatch, SERVICE)
    assert offered(client, model, "avatar") == {str(avatar) for avatar in Avatar.objects.all()}


def test_the_catalogue_itself_and_glossaries_know_every_language(client: Client) -> None:
    everything = Language.objects.count()
    listed = client.get(reverse("admin:sessions_app_language_changelist")).context["cl"]
    assert listed.result_count == everything
    assert len(offered(client, "glossarytranslation", "language")) == everything


# What is taken


@pytest.mark.parametrize(
    ("field", "code"), [("source_languages", "it-IT"), ("languages-0-language", "ja-JP")]
)
def test_a_language_the_backend_lacks_cannot_be_chosen(
    client: Client, make_event: MakeEvent, field: str, code: str
) -> None:
    event = make_event("es-ES")
    chosen = [Language.objects.get(code=code).pk]
    response = client.post(change_page(event), filled(event, **{field: chosen}))
    assert response.status_code == 200
    assert "Select a valid choice." in response.content.decode()
    assert [language.code for language in event.source_languages.all()] == ["en-US"]
    assert [language.code for language in event.target_languages.all()] == ["es-ES"]


def test_what_a_saved_event_has_chosen_stays_and_is_marked(
    client: Client, make_event: MakeEvent
) -> None:
    event = make_event("ar-SA", "es-ES")
    event.source_languages.add(Language.objects.get(code="it-IT"))
    event.avatar = Avatar.objects.filter(kind="video").order_by("pk")[0]
    event.save()
    elvira = Voice.objects.get(code="es-ES-ElviraNeural")
    EventLanguage.objects.filter(event=event, language__code="es-ES").update(voice=elvira)
    text = client.get(change_page(event)).content.decode()
    marked = [
        "Arabic (Saudi Arabia) – not available here",
        "Italian – not available here",
        f"{event.avatar} – not available here",
        "Elvira (Spanish (Spain), Azure) – not available here",
    ]
    assert [mark for mark in marked if mark not in text] == []
    assert text.count("– not available here") == len(marked)
    response = client.post(change_page(event), filled(event, title="Renamed"))
    assert response.status_code == 302
    event.refresh_from_db()
    codes = event.languages.values_list("language__code", "voice__code").order_by("pk")
    assert (event.title, event.avatar.kind, list(codes)) == (
        "Renamed",
        "video",
        [("ar-SA", None), ("es-ES", "es-ES-ElviraNeural")],
    )


def test_what_another_event_has_chosen_is_no_choice_for_this_one(
    client: Client, make_event: MakeEvent
) -> None:
    make_event("ar-SA")
    event = make_event("es-ES")
    arabic = Language.objects.get(code="ar-SA").pk
    response = client.post(change_page(event), filled(event, **{"languages-0-language": arabic}))
    assert response.status_code == 200
    assert [language.code for language in event.target_languages.all()] == ["es-ES"]


# What is said about it


def notices(response: Any) -> list[str]:
    return [*response.context["problems"], *response.context["shortcomings"]]


def test_what_is_missing_on_the_machine_is_said_with_its_remedy(client: Client) -> None:
    response = client.get(reverse("admin:sessions_app_event_add"))
    assert notices(response) == SMALL.problems
    assert "needs the package &lt;apertium-por&gt;." in response.content.decode()


def test_what_an_event_does_not_get_is_said(client: Client, make_event: MakeEvent) -> None:
    event = make_event("ar-SA", "es-ES", "fr-FR")
    event.source_languages.set(Language.objects.filter(code__in=["en-US", "de-DE", "it-IT"]))
    event.avatar = Avatar.objects.get(kind="video", character="lisa")
    event.save()
    for language, voice in (("es-ES", "es-ES-ElviraNeural"), ("fr-FR", "fr-FR-HenriNeural")):
        row = event.languages.filter(language__code=language)
        row.update(voice=Voice.objects.get(code=voice))
    assert notices(client.get(change_page(event)))[1:] == [
        "English (United States) cannot be translated into Arabic (Saudi Arabia) here: "
        "listeners in Arabic (Saudi Arabia) will see no captions while it is spoken.",
        "German cannot be translated into Arabic (Saudi Arabia) and French (France) here: "
        "listeners in Arabic (Saudi Arabia) and French (France) will see no captions while it is "
        "spoken.",
        "Italian cannot be recognised here: choose another spoken language.",
        "The voice Henri of French (France) is not available here: listeners will read captions.",
        "The voice Elvira of Spanish (Spain) is not available here: another one will speak. "
        "Choose a voice you like.",
        "The avatar Lisa, casual, sitting is not available here: a drawn one takes its place.",
    ]


def test_an_event_that_gets_everything_is_told_nothing(
    client: Client, make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, replace(SMALL, problems=[]))
    response = client.get(change_page(make_event("es-ES", "fr-FR")))
    assert notices(response) == []
    assert 'id="availability"' not in response.content.decode()


def test_who_speaks_a_target_language_needs_no_translation_into_it(make_event: MakeEvent) -> None:
    event = make_event("es-ES")
    event.source_languages.set([Language.objects.get(code="de-DE")])
    EventLanguage.objects.create(event=event, language=Language.objects.get(code="de-DE"))
    assert SMALL.shortcomings(event) == []


def test_without_any_backend_the_page_opens_and_offers_nothing(
    client: Client, make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, Availability(problems=["SPEECH_BACKEND is “none”."]))
    assert client.get(change_page(make_event("es-ES"))).status_code == 200
    assert offered(client, "event", "source_languages") == set()
    assert offered(client, "eventlanguage", "voice") == set()
