"""What templates of the back office ask for."""

from __future__ import annotations

from django import template
from django.contrib.auth.models import User

from sessions_app.first_steps import Step, first_steps

register = template.Library()


@register.simple_tag(name="first_steps")
def steps_of(user: User) -> list[Step]:
    """`{% first_steps user as steps %}`"""
    return first_steps(user)
