"""What the back office's pages have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db.models import Field
from django.forms import Field as FormField
from django.http import HttpRequest

from sessions_app.clock import clock

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin, StackedInline, TabularInline
else:
    # Django's own classes name no model in brackets; those of its type stubs must.
    class _Generic:
        def __class_getitem__(cls, _: object) -> type:
            return cls

    class ModelAdmin(_Generic, admin.ModelAdmin): ...

    class TabularInline(_Generic, admin.TabularInline): ...

    class StackedInline(_Generic, admin.StackedInline): ...


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
    "PlainChoices",
    "ReadOnly",
    "StackedInline",
    "TabularInline",
    "clock",
]
