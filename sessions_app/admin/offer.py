"""Fields that offer of the catalogue what can be used here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import Field, Model, QuerySet
from django.http import HttpRequest

from sessions_app.admin.base import is_autocomplete
from sessions_app.availability import Availability
from sessions_app.models import Event, EventLanguage, Voice

NOT_AVAILABLE = "not available here"


def offered(model: type[Model], field: str) -> QuerySet[Any] | None:
    """The rows that this field of this model offers; None where it offers all."""
    available = Availability.here()
    if (model, field) == (Event, "source_languages"):
        return available.spoken_languages()
    if (model, field) == (EventLanguage, "language"):
        return available.target_languages()
    if (model, field) == (EventLanguage, "voice"):
        return available.all_voices()
    if model in (Event, EventLanguage) and field == "avatar":
        return available.avatars()
    return None


def offered_here(request: HttpRequest, found: QuerySet[Any]) -> QuerySet[Any]:
    """Of the rows a list has found, those to offer where the request asks for a field's choices."""
    if not is_autocomplete(request):
        return found
    models = {model._meta.model_name: model for model in (Event, EventLanguage)}
    model = models.get(request.GET.get("model_name", ""))
    rows = offered(model, request.GET.get("field_name", "")) if model else None
    return found if rows is None else found.filter(pk__in=rows.values("pk"))


class _Shelf:
    """All rows of a list of the catalogue, read once, if at all, for every line of a form."""

    def __init__(self, rows: QuerySet[Any]) -> None:
        self._all = rows

    @cached_property
    def by_key(self) -> dict[str, Model]:
        return {str(row.pk): row for row in self._all}


class OfferedSelect(AutocompleteSelect):
    """A searchable list that knows what is chosen from the field's shelf: Django's own asks the
    database in each line."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> list[Any]:
        field: OfferedChoice = self.choices.field
        options = [] if self.is_required else [self.create_option(name, "", "", False, 0)]
        for row in filter(None, map(field.shelf.by_key.get, value)):
            label = field.label_from_instance(row)
            options.append(self.create_option(name, row.pk, label, True, len(options)))
        return [(None, options, 0)]


class _Offered:
    """What is not available here can stay chosen, and is marked so."""

    available: frozenset[int]
    shelf: _Shelf
    queryset: QuerySet[Any]

    def offer(self, rows: QuerySet[Any]) -> None:
        self.available = frozenset(rows.values_list("pk", flat=True))
        self.queryset = self._rows(self.available)
        # Copies of this field, one in each line, share it.
        self.shelf = _Shelf(self._called(rows.model._default_manager.all()))

    def keep(self, chosen: set[int]) -> None:
        if chosen - self.available:
            self.queryset = self._rows(self.available | chosen)

    def label_from_instance(self, row: Model) -> str:
        return str(row) if row.pk in self.available else f"{row} – {NOT_AVAILABLE}"

    def _rows(self, keys: frozenset[int]) -> QuerySet[Any]:
        return self._called(self.queryset.model._default_manager.filter(pk__in=keys))

    @staticmethod
    def _called(rows: QuerySet[Any]) -> QuerySet[Any]:
        """A voice is called by its language, too."""
        return rows.select_related("language") if rows.model is Voice else rows


class OfferedChoice(_Offered, forms.ModelChoiceField):  # type: ignore[type-arg, misc]
    pass


class OfferedChoices(_Offered, forms.ModelMultipleChoiceField):  # type: ignore[type-arg, misc]
    pass


class OfferForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a saved row has chosen stays selectable."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            return
        for name, field in self.fields.items():
            if isinstance(field, OfferedChoice | OfferedChoices):
                field.keep(_keys(self.initial.get(name)))


class Offers:
    """An admin whose fields offer what can be used here; its `form` is an OfferForm."""

    admin_site: AdminSite

    def formfield_for_dbfield(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        rows = offered(db_field.model, db_field.name)
        if rows is not None:
            kwargs["form_class"] = OfferedChoices if db_field.many_to_many else OfferedChoice
            if not db_field.many_to_many:
                kwargs["widget"] = OfferedSelect(db_field, self.admin_site)
        field: forms.Field | None = super().formfield_for_dbfield(  # type: ignore[misc]
            db_field, request, **kwargs
        )
        if rows is not None and isinstance(field, OfferedChoice | OfferedChoices):
            field.offer(rows)
        return field


def _keys(initial: Any) -> set[int]:
    """Primary keys of a form's initial value: none, one, or many rows."""
    if initial is None:
        return set()
    if isinstance(initial, list):
        return {row.pk for row in initial}
    return {initial}
