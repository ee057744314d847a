"""Accounts and groups in the back office, for administrators who need not be superusers.

Nobody can hand out more than they have: an administrator who is no superuser neither makes
superusers nor changes the account, password included, of somebody who may do more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Field, ManyToManyField, Model, Q, QuerySet
from django.forms import Field as FormField
from django.http import HttpRequest

from sessions_app.permissions import is_administrator
from sessions_app.roles import PERMISSIONS

if TYPE_CHECKING:
    DjangoUserAdmin = UserAdmin[User]
else:
    DjangoUserAdmin = UserAdmin

IS_STAFF = (
    "On: opens the back office, where the groups say what they may do. "
    "Off: listens to events that are for signed-in people only."
)
GROUPS = (
    "Organiser: own events and everything about them. Reviewer: transcripts of events they are "
    "given. Operator: the control room of events they are given. Administrator: everything. An "
    "event is given to a reviewer or operator on its own page."
)


def _held_by(person: User) -> set[str]:
    """All this account may do, also while it is not active: it could be made active again."""
    return _names(Permission.objects.filter(Q(user=person) | Q(group__user=person)))


def _names(permissions: Iterable[Permission]) -> set[str]:
    if isinstance(permissions, QuerySet):
        permissions = permissions.select_related("content_type")
    return {f"{one.content_type.app_label}.{one.codename}" for one in permissions}


class _ForAdministrators:
    """What only administrators open, and change only where they may do as much themselves."""

    def may_grant(self, request: HttpRequest, row: Any) -> bool:
        """Whether this row lets nobody do what the person who asks may not."""
        raise NotImplementedError

    def has_module_permission(self, request: HttpRequest) -> bool:
        allowed: bool = super().has_module_permission(request)  # type: ignore[misc]
        return allowed and is_administrator(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        allowed: bool = super().has_view_permission(request, obj)  # type: ignore[misc]
        return allowed and is_administrator(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        allowed: bool = super().has_add_permission(request)  # type: ignore[misc]
        return allowed and is_administrator(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)  # type: ignore[misc]
        return allowed and self._reaches(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)  # type: ignore[misc]
        return allowed and self._reaches(request, obj)

    def _reaches(self, request: HttpRequest, row: Model | None) -> bool:
        return is_administrator(request.user) and (row is None or self.may_grant(request, row))

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: Any = None, **kwargs: Any
    ) -> Any:
        """Offers only what this person may grant."""
        asking = request.user
        if isinstance(asking, User) and not asking.is_superuser:
            kwargs["queryset"] = _grantable(asking, db_field.related_model)
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]


def _grantable(asking: User, model: type[Model]) -> QuerySet[Any]:
    own = asking.get_all_permissions()
    if model is Permission:
        rows = Permission.objects.select_related("content_type")
        return rows.filter(pk__in=[one.pk for one in rows if _names([one]) <= own])
    groups = Group.objects.prefetch_related("permissions__content_type")
    held = [group.pk for group in groups if _names(list(group.permissions.all())) <= own]
    return Group.objects.filter(pk__in=held)


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class PersonAdmin(_ForAdministrators, DjangoUserAdmin):
    list_display = ["username", "first_name", "last_name", "email", "is_staff", "is_active"]
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "usable_password", "password1", "password2"),
            },
        ),
        ("Who it is", {"fields": ("first_name", "last_name", "email")}),
        ("What they may do", {"fields": ("is_staff", "groups")}),
    )

    def may_grant(self, request: HttpRequest, row: User) -> bool:
        asking = request.user
        if isinstance(asking, User) and asking.is_superuser:
            return True
        own = asking.get_all_permissions() if isinstance(asking, User) else set()
        return not row.is_superuser and _held_by(row) <= own

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        sections = super().get_fieldsets(request, obj)
        if isinstance(request.user, User) and request.user.is_superuser:
            return sections
        withheld = {"is_superuser", "user_permissions"}
        return [
            (
                name,
                {**section, "fields": [one for one in section["fields"] if one not in withheld]},
            )
            for name, section in sections
        ]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"is_staff": True, **super().get_changeform_initial_data(request)}

    def formfield_for_dbfield(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> FormField | None:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        help_texts = {"is_staff": IS_STAFF, "groups": GROUPS}
        if field and db_field.name in help_texts:
            field.help_text = help_texts[db_field.name]
        return field


@admin.register(Group)
class GroupAdmin(_ForAdministrators, DjangoGroupAdmin):
    """The product's own groups are shown and kept as they are: `migrate` would reset them."""

    def may_grant(self, request: HttpRequest, row: Group) -> bool:
        asking = request.user
        return isinstance(asking, User) and (
            _names(row.permissions.all()) <= asking.get_all_permissions()
        )

    def _reaches(self, request: HttpRequest, row: Model | None) -> bool:
        if isinstance(row, Group) and row.name in PERMISSIONS:
            return False
        return super()._reaches(request, row)
