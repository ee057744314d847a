"""What the review page sends, checked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from sessions_app.models.transcript import ReviewState
from sessions_app.review.changes import Place
from sessions_app.review.replacing import MOST_LINES, Search
from sessions_app.review.transcript import ONLY

LONGEST_TEXT = 5000
LONGEST_SEARCH = 200
UNREADABLE = "This page is out of date. Load it again; what you wrote stays in your browser."


def _number(*, required: bool = True) -> forms.IntegerField:
    messages = {"required": UNREADABLE, "invalid": UNREADABLE}
    return forms.IntegerField(
        min_value=0, max_value=2**62, required=required, error_messages=messages
    )


class PlaceForm(forms.Form):
    """A text of a line, and the correction that was last seen there."""

    number = _number()
    last = _number()
    spoken = forms.BooleanField(required=False)

    def place(self) -> Place:
        values = self.cleaned_data
        return Place(values["number"], spoken=values["spoken"], last=values["last"])


class TextForm(PlaceForm):
    text = forms.CharField(
        required=False,
        max_length=LONGEST_TEXT,
        error_messages={"max_length": f"Write at most {LONGEST_TEXT} characters."},
    )

    def clean_text(self) -> str:
        return " ".join(self.cleaned_data["text"].split())


class AcceptForm(PlaceForm):
    good = forms.BooleanField(required=False)


class PlacesForm(forms.Form):
    """Several texts, as `number:last` with commas between them."""

    places = forms.CharField(max_length=20 * MOST_LINES, error_messages={"required": UNREADABLE})
    spoken = forms.BooleanField(required=False)

    def clean_places(self) -> list[tuple[int, int]]:
        try:
            pairs = [pair.split(":") for pair in self.cleaned_data["places"].split(",")]
            places = {int(number): int(last) for number, last in pairs}
        except ValueError:
            raise ValidationError(UNREADABLE) from None
        if len(places) > MOST_LINES or any(max(pair) >= 2**62 for pair in places.items()):
            raise ValidationError(UNREADABLE)
        return list(places.items())

    def chosen(self) -> list[Place]:
        spoken: bool = self.cleaned_data["spoken"]
        return [Place(number, spoken, last) for number, last in self.cleaned_data["places"]]


class SearchForm(forms.Form):
    find = forms.CharField(
        strip=False,
        max_length=LONGEST_SEARCH,
        error_messages={
            "required": "Write what to look for first.",
            "max_length": f"Look for at most {LONGEST_SEARCH} characters.",
        },
    )
    replacement = forms.CharField(
        strip=False,
        required=False,
        max_length=LONGEST_SEARCH,
        error_messages={"max_length": f"Put at most {LONGEST_SEARCH} characters instead."},
    )
    spoken = forms.BooleanField(required=False)
    match_case = forms.BooleanField(required=False)
    whole_words = forms.BooleanField(required=False)

    def search(self) -> Search:
        names = ("find", "replacement", "spoken", "match_case", "whole_words")
        return Search(**{name: self.cleaned_data[name] for name in names})


class ReplaceForm(SearchForm, PlacesForm):
    """A search, and in which of the lines found it is to be carried out."""


class LinesForm(forms.Form):
    """Which lines, from where on: `at` is a session time in milliseconds."""

    only = forms.ChoiceField(choices=[(one, one) for one in ONLY], required=False)
    containing = forms.CharField(required=False, max_length=LONGEST_SEARCH)
    after = _number(required=False)
    before = _number(required=False)
    at = _number(required=False)


class NewsForm(forms.Form):
    """What the page knows: the newest correction, and lines whose translation it lacks."""

    since = _number()
    waiting = forms.CharField(required=False, max_length=1000)

    def clean_waiting(self) -> list[int]:
        try:
            numbers = [int(number) for number in self.cleaned_data["waiting"].split(",") if number]
        except ValueError:
            raise ValidationError(UNREADABLE) from None
        if any(number >= 2**62 for number in numbers):
            raise ValidationError(UNREADABLE)
        return numbers


class VersionsForm(forms.Form):
    number = _number()
    spoken = forms.BooleanField(required=False)


class StateForm(forms.Form):
    state = forms.ChoiceField(choices=ReviewState.choices)

    def review_state(self) -> ReviewState:
        return ReviewState(self.cleaned_data["state"])


def mistakes(form: forms.Form) -> str:
    found: dict[str, Any] = {
        str(error): None for errors in form.errors.values() for error in errors
    }
    return " ".join(found)
