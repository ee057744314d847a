"""What somebody who has just installed this does first, and how far they have come."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.urls import reverse

from sessions_app.availability import Availability
from sessions_app.models import LiveSession
from sessions_app.models.catalogue import BackendName
from sessions_app.permissions import Action, events_for, is_administrator


@dataclass(frozen=True, slots=True)
class Step:
    title: str
    explanation: str
    link: str
    link_text: str
    done: bool


def first_steps(user: User) -> list[Step]:
    """Each with its state; none for whoever has done all of them or wants to see them no more."""
    preferences = getattr(user, "preferences", None)
    if preferences and preferences.first_steps_dismissed_at:
        return []
    steps = [_create(user), _rehearse(user)]
    if is_administrator(user):
        steps += [_set_up_azure(), _invite(user)]
    return [] if all(step.done for step in steps) else steps


def _create(user: User) -> Step:
    return Step(
        "Create an event",
        "A title and a time are enough: everything else has an answer to begin with.",
        reverse("admin:sessions_app_event_add"),
        "Create an event",
        user.events.exists(),
    )


def _rehearse(user: User) -> Step:
    events = events_for(user, Action.VIEW)
    newest = events.filter(closed_at=None).order_by("-created_at").first()
    return Step(
        "Try a rehearsal",
        "Open a speaker's link, choose Rehearsal, press Start. Only those with the rehearsal link "
        "hear it. No microphone? Choose the sample talk.",
        reverse("event-preflight", args=[newest.pk]) if newest else reverse("speaker-home"),
        "Go to the newest event's preflight check" if newest else "Create an event in a minute",
        LiveSession.objects.filter(event__in=events, rehearsal=True).exists(),
    )


def _set_up_azure() -> Step:
    here = Availability.here()
    return Step(
        "Set up Azure, if you want more languages",
        "What is built in understands English and costs nothing. Azure Speech understands many "
        "languages, and is paid by use.",
        reverse("speech-service"),
        "See what is used now, and how to set up Azure",
        here.backend == BackendName.AZURE and not here.problems,
    )


def _invite(user: User) -> Step:
    others = User.objects.filter(is_staff=True, is_active=True).exclude(pk=user.pk)
    return Step(
        "Invite people",
        "Give colleagues accounts of their own, with “staff status” and a group, which says "
        "whether they plan, run or correct.",
        reverse("admin:auth_user_add"),
        "Add an account",
        others.exists(),
    )
