"""The groups of people, and what each may do anywhere: Django's permissions by model.

At which events they may do it says `permissions`. Both must agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import AppConfig
from django.apps.registry import Apps
from django.apps.registry import apps as installed
from django.db import DEFAULT_DB_ALIAS

from sessions_app.permissions import ADMINISTRATOR, OPERATOR, ORGANISER, REVIEWER

CATALOGUE = ("language", "voice", "avatar")
TRANSCRIPT = ("livesession", "segment", "translation", "correction", "languagereview")
PLANNED = ("event", "eventlanguage", "glossaryterm", "glossarytranslation")
MEASURED = (
    "audiencecount",
    "audiencesample",
    "sessionlogentry",
    "listenerreport",
    "videoseat",
)
EVERYTHING = (
    *CATALOGUE,
    *TRANSCRIPT,
    *PLANNED,
    *MEASURED,
    "eventmember",
    "speaker",
    "captionstream",
    "videoresource",
    "exportlink",
    "operatorpresence",
)


def _codenames(actions: str, models: Iterable[str]) -> Iterator[str]:
    return (f"{action}_{model}" for model in models for action in actions.split())


_SEEN_BY_ALL = {*_codenames("view", (*CATALOGUE, *PLANNED, *TRANSCRIPT, *MEASURED))}
_REVIEWER = {*_SEEN_BY_ALL, *_codenames("change", ("segment", "translation", "languagereview"))}
_OPERATOR = {*_SEEN_BY_ALL, "view_speaker"}
PERMISSIONS: dict[str, set[tuple[str, str]]] = {
    group: {("sessions_app", codename) for codename in codenames}
    for group, codenames in {
        REVIEWER: _REVIEWER,
        OPERATOR: _OPERATOR,
        ORGANISER: {
            *_REVIEWER,
            *_OPERATOR,
            *_codenames("view add change delete", (*PLANNED, "eventmember", "speaker")),
        },
        ADMINISTRATOR: {*_codenames("view add change delete", EVERYTHING)},
    }.items()
}
"""By group: application and codename of each permission."""
PERMISSIONS[ADMINISTRATOR] |= {
    ("auth", codename) for codename in _codenames("view add change delete", ("user", "group"))
}


def keep_groups(
    sender: AppConfig, *, apps: Apps = installed, using: str = DEFAULT_DB_ALIAS, **kwargs: Any
) -> None:
    """Make the groups, and give them the permissions above and no others.

    Called after each `migrate`, whose permissions are made just before.
    """
    try:
        groups = apps.get_model("auth", "Group")._default_manager.using(using)
        permissions = apps.get_model("auth", "Permission")._default_manager.using(using)
    except LookupError:  # migrated to a state without accounts
        return
    keys = {
        (application, codename): pk
        for pk, application, codename in permissions.filter(
            content_type__app_label__in=("sessions_app", "auth")
        ).values_list("pk", "content_type__app_label", "codename")
    }
    for name, wanted in PERMISSIONS.items():
        group, _ = groups.get_or_create(name=name)
        # A model that is not migrated yet has no permissions.
        group.permissions.set([keys[key] for key in wanted if key in keys])
