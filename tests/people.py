"""People with accounts, as an administrator makes them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, User


def person(name: str, *groups: str, is_staff: bool = True, **fields: Any) -> User:
    """Somebody in these groups."""
    user = User.objects.create_user(name, is_staff=is_staff, **fields)
    user.groups.set(Group.objects.filter(name__in=groups))
    assert user.groups.count() == len(groups)
    return user
