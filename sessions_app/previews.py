"""What a page needs to know to let voices be heard and avatars be seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.urls import reverse

from sessions_app.messages import AvatarItem
from sessions_app.models import Avatar, Language
from sessions_app.sample_sentences import sample_sentence

LONGEST_SENTENCE = 200


def voice_preview_data(languages: Iterable[Language]) -> dict[str, Any]:
    """The languages by id, each with a sentence to begin with; "" where there is none."""
    return {
        "url": reverse("voice-preview"),
        "longest": LONGEST_SENTENCE,
        "languages": {
            language.pk: {
                "code": language.code,
                "name": language.name,
                "direction": language.direction,
                "sentence": sample_sentence(language.code),
            }
            for language in languages
        },
    }


def avatar_data(avatars: Iterable[Avatar]) -> dict[int, dict[str, Any]]:
    """What is drawn of each, by id; a video avatar is called by name and style instead."""
    return {
        avatar.pk: asdict(AvatarItem.of(avatar)) | {"kind": avatar.kind, "style": avatar.style}
        for avatar in avatars
    }
