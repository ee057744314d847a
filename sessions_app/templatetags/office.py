"""What templates of the back office ask for."""

from __future__ import annotations

from datetime import timedelta

from django import template
from django.contrib.auth.models import User

from sessions_app.clock import clock
from sessions_app.first_steps import Step, first_steps

register = template.Library()


@register.simple_tag(name="first_steps")
def steps_of(user: User) -> list[Step]:
    """`{% first_steps user as steps %}`"""
    return first_steps(user)


@register.filter
def duration(length: timedelta) -> str:
    """As people write it: 1:02:03, or 2:03."""
    return clock(round(length.total_seconds()) * 1000)


@register.filter
def seconds(ms: int) -> str:
    """Milliseconds as seconds, to a hundredth."""
    return f"{ms / 1000:.2f} s"
