"""Events, invitations and the catalogue: what their rows may say."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model, ProtectedError

from sessions_app.models import (
    Avatar,
    Event,
    EventLanguage,
    GlossaryTerm,
    GlossaryTranslation,
    Language,
    LiveSession,
    Speaker,
    Voice,
)
from sessions_app.models.event import JOIN_CODE_ALPHABET

pytestmark = pytest.mark.django_db

MakeEvent = Callable[..., Event]


def refuses(row: Model) -> bool:
    """Whether the database itself turns this row away."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        return True
    return False


def language(code: str) -> Language:
    return Language.objects.get(code=code)


# Join codes


def test_join_codes_are_eight_unambiguous_characters(make_event: MakeEvent) -> None:
    codes = [make_event().join_code for _ in range(20)]
    assert {len(code) for code in codes} == {8}
    assert set("".join(codes)) <= set(JOIN_CODE_ALPHABET)
    assert set("01OIL") & set(JOIN_CODE_ALPHABET) == set()
    assert len(set(codes)) == 20


def test_a_join_code_is_found_as_people_type_it(make_event: MakeEvent) -> None:
    event, _ = make_event(), make_event()
    code = event.join_code
    typed = [code, code.lower(), f" {code} ", f"{code[:4]} {code[4:]}", f"{code[:4]}-{code[4:]}"]
    assert [Event.with_join_code(text) for text in typed] == [event] * 5


@pytest.mark.parametrize("typed", ["", "ABC", "AAAAAAAAA", "\x00", "ßßßßßßßß"])
def test_no_event_has_a_wrong_join_code(make_event: MakeEvent, typed: str) -> None:
    make_event()
    assert Event.with_join_code(typed) is None


def test_a_join_code_is_given_once(make_event: MakeEvent) -> None:
    first, second = make_event(), make_event()
    second.join_code = first.join_code
    assert refuses(second)


# Events


def test_an_event_has_a_title(make_event: MakeEvent) -> None:
    event = make_event()
    event.title = ""
    assert refuses(event)


def test_listeners_are_offered_the_targets_then_what_is_spoken(make_event: MakeEvent) -> None:
    event = make_event("fr-FR", "en-US", "es-ES")
    event.source_languages.add(language("de-DE"))
    offered = [item.code for item in event.offered_languages()]
    assert offered == ["en-US", "fr-FR", "es-ES", "de-DE"]


def test_a_language_may_have_its_own_avatar(make_event: MakeEvent) -> None:
    event = make_event("es-ES", "fr-FR")
    own = Avatar.objects.get(character="mei", style="formal")
    event.languages.filter(language__code="fr-FR").update(avatar=own)
    assert event.avatar_for("fr-FR") == own
    assert event.avatar_for("es-ES") == event.avatar != own
    assert event.avatar_for("en-US") == event.avatar


def test_an_event_translates_a_language_once(make_event: MakeEvent) -> None:
    event = make_event("es-ES")
    assert refuses(EventLanguage(event=event, language=language("es-ES")))


def test_a_voice_speaks_its_own_language_only(make_event: MakeEvent) -> None:
    chosen = make_event("es-ES").languages.get()
    chosen.voice = Voice.objects.get(code="fr-FR-HenriNeural")
    with pytest.raises(ValidationError) as refused:
        chosen.full_clean()
    assert refused.value.message_dict == {"voice": ["Henri does not speak Spanish (Spain)."]}


def test_what_an_event_uses_stays_in_the_catalogue(make_event: MakeEvent) -> None:
    event = make_event("es-ES")
    for row in (event.avatar, language("es-ES")):
        with pytest.raises(ProtectedError):
            row.delete()


def test_an_event_that_was_run_cannot_be_deleted(make_event: MakeEvent) -> None:
    event = make_event()
    LiveSession.go_live(
        event.speakers.get(), client="a", source_language="en-US", rehearsal=True, take_over=False
    )
    with pytest.raises(ProtectedError):
        event.delete()


def test_each_event_has_a_rehearsal_key_of_its_own(make_event: MakeEvent) -> None:
    event, other = make_event(), make_event()
    assert event.rehearsal_key_is(event.rehearsal_key)
    assert not event.rehearsal_key_is(other.rehearsal_key)
    assert not event.rehearsal_key_is("")
    assert not event.rehearsal_key_is("ключ")


# Speakers


def test_a_speaker_is_found_by_the_whole_token_only(make_event: MakeEvent) -> None:
    speaker, _ = make_event().speakers.get(), make_event()
    assert Speaker.with_token(speaker.token) == speaker
    wrong = [speaker.token[:-1], speaker.token + "x", speaker.token.upper(), "", "ключ"]
    assert [Speaker.with_token(token) for token in wrong] == [None] * 5


def test_a_revoked_link_is_still_known_as_revoked(make_event: MakeEvent) -> None:
    speaker = make_event().speakers.get()
    speaker.revoke()
    first = speaker.revoked_at
    speaker.revoke()
    found = Speaker.with_token(speaker.token)
    assert found is not None
    assert found.revoked_at == first is not None


def test_consent_keeps_its_first_time(make_event: MakeEvent) -> None:
    speaker = make_event().speakers.get()
    speaker.record_consent()
    first = speaker.consented_at
    speaker.record_consent()
    speaker.refresh_from_db()
    assert speaker.consented_at == first is not None


def test_a_speaker_has_a_name(make_event: MakeEvent) -> None:
    assert refuses(Speaker(event=make_event(), name=""))


# Catalogue and glossary


def test_the_database_refuses_what_no_avatar_can_be(make_event: MakeEvent) -> None:
    assert refuses(Avatar(name="Nobody"))
    assert refuses(Avatar(name="Unknown kind", kind="hologram", character="ada"))
    assert refuses(Avatar(name="Drawn custom", custom_id="ours"))
    assert refuses(Avatar(name="Voice of none", character="ada", use_built_in_voice=True))
    ada = Avatar.objects.get(character="ada", style="casual")
    ada.pk = None
    assert refuses(ada)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"character": "ada", "custom_id": "ours"}, "custom_id"),
        ({"character": "ada", "use_built_in_voice": True}, "use_built_in_voice"),
        ({}, "character"),
        ({"character": "ada", "background_colour": "red"}, "background_colour"),
    ],
)
def test_an_impossible_avatar_is_explained(values: dict[str, object], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Avatar(name="New", **values).full_clean()
    assert list(refused.value.message_dict) == [field]


def test_an_avatar_with_other_options_is_added_once() -> None:
    ada = Avatar.objects.get(character="ada", style="casual")
    count = Avatar.objects.count()
    other = ada.with_options(background_colour="#aabbccff", transparent=True, crop=True)
    assert (other.character, other.background_colour, other.transparent, other.crop) == (
        "ada",
        "#AABBCCFF",
        True,
        True,
    )
    assert str(other) == "Ada, casual (transparent, head and shoulders)"
    assert ada.with_options(background_colour="#AABBCCFF", transparent=True, crop=True) == other
    same = ada.with_options(background_colour=ada.background_colour, transparent=False, crop=False)
    assert same == ada
    assert Avatar.objects.count() == count + 1


@pytest.mark.parametrize("code", ["es", "es-ES", "zh-Hans-CN", "es-419", "yue"])
def test_language_codes_are_bcp_47(code: str) -> None:
    Language(code=code, name="New", native_name="New").clean_fields()


@pytest.mark.parametrize("code", ["", "ES-es", "es_ES", "spanish", "es-ES-"])
def test_other_language_codes_are_refused(code: str) -> None:
    with pytest.raises(ValidationError):
        Language(code=code, name="New", native_name="New").clean_fields()


def test_a_term_stands_in_a_glossary_once_and_has_one_translation_a_language(
    make_event: MakeEvent,
) -> None:
    event, spanish = make_event(), language("es-ES")
    term = GlossaryTerm.objects.create(event=event, term="churn")
    GlossaryTranslation.objects.create(term=term, language=spanish, text="bajas")
    assert refuses(GlossaryTerm(event=event, term="churn"))
    assert refuses(GlossaryTerm(event=event, term=""))
    assert refuses(GlossaryTranslation(term=term, language=spanish, text="fugas"))
    assert refuses(GlossaryTranslation(term=term, language=language("fr-FR"), text=""))
