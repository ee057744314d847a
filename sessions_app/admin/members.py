"""People who help at an event, on its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db.models import ForeignKey, Q, QuerySet
from django.forms.models import ModelChoiceIterator
from django.http import HttpRequest

from sessions_app.admin.base import PlainChoices, StackedInline
from sessions_app.models import Event, EventMember
from sessions_app.models.event import Role
from sessions_app.permissions import (
    ADMINISTRATOR,
    OPERATOR,
    ORGANISER,
    REVIEWER,
    Action,
    rows_for,
)

if TYPE_CHECKING:
    MemberModelForm = forms.ModelForm[EventMember]
    PersonChoiceField = forms.ModelChoiceField[User]
else:
    MemberModelForm, PersonChoiceField = forms.ModelForm, forms.ModelChoiceField

GROUPS_OF = {
    Role.ORGANISER: {ORGANISER, ADMINISTRATOR},
    Role.REVIEWER: {REVIEWER, ORGANISER, ADMINISTRATOR},
    Role.OPERATOR: {OPERATOR, ORGANISER, ADMINISTRATOR},
}
"""Who is in none of these groups could not do what the role is for."""


class PersonField(PersonChoiceField):
    def label_from_instance(self, person: User) -> str:
        name = person.get_full_name()
        return f"{name} ({person.get_username()})" if name else person.get_username()


class MemberForm(MemberModelForm):
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        person: User | None = cleaned.get("user")
        role = cleaned.get("role")
        # Who has left a group since does not keep the event from being saved.
        if person and role and self.has_changed() and not _can(person, Role(role)):
            raise ValidationError(
                f"{person.get_username()} is not in the group {Role(role).name.capitalize()}. "
                "Ask an administrator to change that, or choose another role."
            )
        return cleaned


def _can(person: User, role: Role) -> bool:
    if not (person.is_active and person.is_staff):
        return False
    groups = set(person.groups.values_list("name", flat=True))
    return person.is_superuser or bool(groups & GROUPS_OF[role])


class MemberInline(PlainChoices, StackedInline[EventMember, Event]):
    model = EventMember
    form = MemberForm
    verbose_name_plural = "people who help (each needs an account in the right group)"
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[EventMember]:
        return super().get_queryset(request).select_related("user", "event")

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField[Any] | None:
        if db_field.name != "user":
            return super().formfield_for_foreignkey(db_field, request, **kwargs)
        kwargs |= {"queryset": _people(request), "form_class": PersonField}
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        assert isinstance(field, PersonField)
        # Asked for once, not for every row.
        field.choices = [*ModelChoiceIterator(field)]
        return field


def _people(request: HttpRequest) -> QuerySet[User]:
    """Everyone who can be given a role, and those who have one already."""
    members = Group.objects.filter(name__in=[ORGANISER, REVIEWER, OPERATOR, ADMINISTRATOR])
    in_group = Q(is_active=True, is_staff=True, pk__in=members.values("user"))
    helping = rows_for(request.user, Action.CHANGE, EventMember.objects.all())
    found = User.objects.filter(
        in_group
        | Q(is_active=True, is_staff=True, is_superuser=True)
        | Q(pk__in=helping.values("user"))
    )
    return found.order_by("first_name", "last_name", "username")
