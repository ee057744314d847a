"""What the back office's pages have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db.models import Field, ForeignKey, Model, QuerySet
from django.forms import Field as FormField
from django.http import HttpRequest

from sessions_app.clock import clock
from sessions_app.permissions import RULES, Action, event_id_of, events_for, rows_for

M = TypeVar("M", bound=Model)


class _Guarded:
    """What every admin and inline of ours does: rows of an event are seen and touched by those who
    may do so at that event, whatever they may do elsewhere.

    Django's permissions by model say what a person does at all, `permissions` at which events.
    """

    model: type[Model]

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        rule = RULES.get(self.model)
        allowed: bool = super().has_view_permission(request, obj)  # type: ignore[misc]
        return allowed and (rule is None or _may(request, rule.to_view, obj))

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        rule = RULES.get(self.model)
        allowed: bool = super().has_change_permission(request, obj)  # type: ignore[misc]
        return allowed and (rule is None or _may(request, rule.to_change, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        rule = RULES.get(self.model)
        allowed: bool = super().has_delete_permission(request, obj)  # type: ignore[misc]
        return allowed and (rule is None or _may(request, rule.to_change, obj))

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> FormField | None:
        """Offers no row of an event whose rows of this kind the person may not change."""
        rule, chosen_from = RULES.get(self.model), db_field.related_model
        if rule and chosen_from in RULES:
            rows = kwargs.get("queryset", chosen_from._default_manager.all())
            kwargs["queryset"] = rows_for(request.user, rule.to_change, rows)
        field: FormField | None = super().formfield_for_foreignkey(  # type: ignore[misc]
            db_field, request, **kwargs
        )
        return field


class _GuardedAdmin(_Guarded):
    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        rule = RULES.get(self.model)
        if rule is None:
            return rows
        if is_autocomplete(request) and (asking := _asking(request)) in RULES:
            return rows_for(request.user, RULES[asking].to_change, rows)
        return rows_for(request.user, rule.to_view, rows)

    def view_on_site(self, obj: Model) -> str | None:
        """The row's own address: Django's detour to it shows anybody's to whoever is staff."""
        address = getattr(obj, "get_absolute_url", None)
        return address() if address else None


class _GuardedInline(_Guarded):
    """Its `obj` is the row it stands in."""

    view_on_site = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        rule = RULES.get(self.model)
        allowed: bool = super().has_add_permission(request, obj)  # type: ignore[misc]
        return allowed and (rule is None or _may(request, rule.to_change, obj))


def _may(request: HttpRequest, action: Action, row: Model | None) -> bool:
    """Whether who asks may do this at this row's event; True where no row is meant.

    Each event is asked for once in a request, however many of its rows there are.
    """
    if row is None:
        return True
    event = event_id_of(row)
    decided: dict[tuple[Action, int], bool] = request.__dict__.setdefault("_may_at_event", {})
    if (action, event) not in decided:
        allowed = events_for(request.user, action).filter(pk=event).exists()
        decided[action, event] = allowed
    return decided[action, event]


def changeable(request: HttpRequest, rows: QuerySet[M]) -> QuerySet[M]:
    """Those of the rows, chosen for an action, that this person may change."""
    return rows_for(request.user, RULES[rows.model].to_change, rows)


def is_autocomplete(request: HttpRequest) -> bool:
    """Whether this asks for what a field may choose from."""
    return request.path.endswith("/autocomplete/")


def _asking(request: HttpRequest) -> type[Model]:
    """The model whose field is chosen for; Django answers 403 where there is no such model."""
    return apps.get_model(request.GET["app_label"], request.GET["model_name"])


if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin, StackedInline, TabularInline
else:
    # Django's own classes name no model in brackets; those of its type stubs must.
    class _Generic:
        def __class_getitem__(cls, _: object) -> type:
            return cls

    class ModelAdmin(_Generic, _GuardedAdmin, admin.ModelAdmin): ...

    class TabularInline(_Generic, _GuardedInline, admin.TabularInline): ...

    class StackedInline(_Generic, _GuardedInline, admin.StackedInline): ...


class PlainChoices:
    """Fields that choose a row of another list, without buttons that change or delete that row."""

    def formfield_for_dbfield(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> FormField | None:
        field: FormField | None = super().formfield_for_dbfield(  # type: ignore[misc]
            db_field, request, **kwargs
        )
        if field and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget.can_add_related = False
            field.widget.can_change_related = False
            field.widget.can_delete_related = False
            field.widget.can_view_related = False
        return field


class OwnValues(admin.AllValuesFieldListFilter):
    """The values that occur in the rows this person sees, also where a path leads to the field."""

    def __init__(  # noqa: PLR0917 - as Django calls it
        self,
        field: Field[Any, Any],
        request: HttpRequest,
        params: dict[str, Any],
        model: type[Model],
        model_admin: Any,
        field_path: str,
    ) -> None:
        super().__init__(field, request, params, model, model_admin, field_path)
        rows = model_admin.get_queryset(request).order_by(field_path)
        self.lookup_choices = rows.values_list(field_path, flat=True).distinct()


class Kept:
    """Rows that the system writes: a person neither adds nor deletes them."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnly(Kept):
    """Rows that a person may only read."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


__all__ = [
    "Kept",
    "ModelAdmin",
    "OwnValues",
    "PlainChoices",
    "ReadOnly",
    "StackedInline",
    "TabularInline",
    "changeable",
    "clock",
    "is_autocomplete",
]
