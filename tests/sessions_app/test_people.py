"""Groups, and accounts in the hands of administrators who are no superusers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from sessions_app.permissions import ADMINISTRATOR, OPERATOR, ORGANISER, REVIEWER
from sessions_app.roles import PERMISSIONS
from tests.conftest import ROOT
from tests.people import person
from tests.services import PostgreSQL

GROUPS = [ADMINISTRATOR, OPERATOR, ORGANISER, REVIEWER]


def held(group: str) -> set[tuple[str, str]]:
    rows = Permission.objects.filter(group__name=group)
    return set(rows.values_list("content_type__app_label", "codename"))


# Groups


@pytest.mark.django_db
def test_the_groups_are_there_with_their_permissions_and_kept_so() -> None:
    assert {name: held(name) for name in GROUPS} == PERMISSIONS
    Group.objects.get(name=REVIEWER).permissions.add(Permission.objects.get(codename="add_user"))
    Group.objects.get(name=OPERATOR).permissions.clear()
    Group.objects.get(name=ORGANISER).delete()
    mine = Group.objects.create(name="My own")
    mine.permissions.add(Permission.objects.get(codename="view_event"))
    call_command("migrate", verbosity=0)
    assert {name: held(name) for name in GROUPS} == PERMISSIONS
    assert held("My own") == {("sessions_app", "view_event")}


@pytest.mark.django_db
def test_every_permission_named_exists_and_every_model_is_named() -> None:
    rows = Permission.objects.filter(content_type__app_label__in=("sessions_app", "auth"))
    existing = set(rows.values_list("content_type__app_label", "codename"))
    assert all(wanted <= existing for wanted in PERMISSIONS.values())
    of_ours = {codename for application, codename in existing if application == "sessions_app"}
    # Everyone sets their own on a page of their own.
    of_ours -= {f"{action}_preferences" for action in ("add", "change", "delete", "view")}
    assert {codename for app, codename in PERMISSIONS[ADMINISTRATOR] if app != "auth"} == of_ours


COUNT = """
import django; django.setup()
from django.contrib.auth.models import Group
print({g.name: g.permissions.count() for g in Group.objects.order_by("name")})
"""


def migrate_from_old(database: str, folder: Path) -> str:
    """Bring an old database, made before there were groups' permissions, to today."""

    def run(*arguments: str) -> str:
        environment = {**os.environ, "DATABASE_URL": database, "VAR_DIR": str(folder)}
        environment["DJANGO_SETTINGS_MODULE"] = "avatartranslate.settings"
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    run("manage.py", "migrate", "--verbosity=0", "sessions_app", "0003")
    before = run("-c", COUNT)
    run("manage.py", "migrate", "--verbosity=0")
    after = run("-c", COUNT)
    assert before != after
    return after


IN_FULL = str({name: len(PERMISSIONS[name]) for name in GROUPS})


def test_an_old_sqlite_database_gets_the_groups(tmp_path: Path) -> None:
    assert migrate_from_old(f"sqlite:///{tmp_path}/old.sqlite3", tmp_path) == IN_FULL


@pytest.mark.services
def test_an_old_postgresql_database_gets_the_groups(postgres: PostgreSQL, tmp_path: Path) -> None:
    assert migrate_from_old(postgres.url, tmp_path) == IN_FULL


# Accounts


@pytest.fixture
def administrator(db: None, client: Client) -> User:
    user = person("administrator", ADMINISTRATOR)
    client.force_login(user)
    return user


def page(name: str, *args: object) -> str:
    return reverse(f"admin:auth_{name}", args=args)


def filled(client: Client, user: User, **changes: Any) -> dict[str, Any]:
    """The account's page as a browser would send it back."""
    form = client.get(page("user_change", user.pk)).context["adminform"].form
    data = {
        "username": user.username,
        "is_active": "on" if user.is_active else "",
        "is_staff": "on" if user.is_staff else "",
        "groups": [group.pk for group in user.groups.all()],
        "date_joined_0": user.date_joined.date().isoformat(),
        "date_joined_1": user.date_joined.time().isoformat("seconds"),
    }
    assert set(form.fields) >= {"username", "groups", "is_active"}
    return {**data, **changes}


@pytest.mark.parametrize("group", [ORGANISER, REVIEWER, OPERATOR, None])
@pytest.mark.django_db
def test_only_administrators_open_accounts(client: Client, group: str | None) -> None:
    user = person("somebody", *([group] if group else []))
    # Not even with Django's own permissions.
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="auth"))
    client.force_login(user)
    for name in ("user_changelist", "user_add", "group_changelist", "group_add"):
        assert client.get(page(name)).status_code == 403
    for name in ("user_change", "user_delete", "user_history", "user_password_change"):
        path = page(name, user.pk)
        assert client.post(path, {"is_superuser": "on"}).status_code == 403


def test_an_administrator_makes_an_organiser(client: Client, administrator: User) -> None:
    new = client.get(page("user_add"))
    assert new.context["adminform"].form.initial["is_staff"]
    data = {
        "username": "ann",
        "usable_password": "true",
        "password1": "a-long-one-42",
        "password2": "a-long-one-42",
        "is_staff": "on",
        "groups": [Group.objects.get(name=ORGANISER).pk],
        "is_superuser": "on",
    }
    assert client.post(page("user_add"), data).status_code == 302
    ann = User.objects.get(username="ann")
    facts = (ann.is_staff, ann.is_superuser, ann.check_password("a-long-one-42"))
    assert facts == (True, False, True)
    assert [group.name for group in ann.groups.all()] == [ORGANISER]
    ann_page = Client()
    ann_page.force_login(ann)
    assert ann_page.get("/admin/sessions_app/event/add/").status_code == 200


def test_an_administrator_hands_out_no_more_than_they_have(
    client: Client, administrator: User
) -> None:
    ann = person("ann", REVIEWER)
    more = Group.objects.create(name="More")
    more.permissions.add(Permission.objects.get(codename="delete_session"))
    forged = {
        "is_superuser": "on",
        "user_permissions": [Permission.objects.get(codename="delete_session").pk],
    }
    for user in (ann, administrator):
        path = page("user_change", user.pk)
        form = client.get(path).context["adminform"].form
        offered = sorted(name for _, name in form.fields["groups"].choices)
        assert offered == GROUPS
        assert not {"is_superuser", "user_permissions"} & set(form.fields)
        refused = client.post(path, filled(client, user, groups=[more.pk]))
        assert list(refused.context["adminform"].form.errors) == ["groups"]
        assert client.post(path, filled(client, user, **forged)).status_code == 302
        user.refresh_from_db()
        assert (user.is_superuser, user.user_permissions.count()) == (False, 0)


@pytest.mark.parametrize("is_active", [True, False])
def test_an_account_that_may_do_more_is_out_of_an_administrators_reach(
    client: Client, administrator: User, is_active: bool
) -> None:
    root = User.objects.create_superuser("root", is_active=is_active)
    above = person("above", ADMINISTRATOR, is_active=is_active)
    above.user_permissions.add(Permission.objects.get(codename="delete_session"))
    beside = person("beside", REVIEWER, is_active=is_active)
    more = Group.objects.create(name="More")
    more.permissions.add(Permission.objects.get(codename="delete_session"))
    beside.groups.add(more)
    for user in (root, above, beside):
        assert client.get(page("user_change", user.pk)).status_code == 200
        for name in ("user_change", "user_delete", "user_password_change"):
            forged = {"password1": "x", "password2": "x", "username": "forged", "post": "yes"}
            assert client.post(page(name, user.pk), forged).status_code == 403
    everyone = [root.pk, above.pk, beside.pk]
    chosen = {"action": "delete_selected", "_selected_action": everyone, "post": "yes"}
    client.post(page("user_changelist"), chosen)
    assert User.objects.filter(pk__in=everyone, username="root").count() == 1
    assert User.objects.filter(pk__in=everyone).count() == 3


def test_the_products_groups_are_kept_and_ones_own_hold_no_more_than_one_has(
    client: Client, administrator: User
) -> None:
    foreign = Permission.objects.get(codename="delete_session")
    own = Permission.objects.get(codename="view_event")
    for name in GROUPS:
        group = Group.objects.get(name=name)
        for action in ("group_change", "group_delete"):
            assert client.post(page(action, group.pk), {"name": "x"}).status_code == 403
    refused = client.post(page("group_add"), {"name": "Guests", "permissions": [foreign.pk]})
    assert list(refused.context["adminform"].form.errors) == ["permissions"]
    made = client.post(page("group_add"), {"name": "Guests", "permissions": [own.pk]})
    assert made.status_code == 302
    assert held("Guests") == {("sessions_app", "view_event")}
    guests = Group.objects.get(name="Guests")
    guests.permissions.add(foreign)
    assert client.post(page("group_change", guests.pk), {"name": "x"}).status_code == 403


@pytest.mark.django_db
def test_a_superuser_makes_superusers(client: Client) -> None:
    client.force_login(User.objects.create_superuser("root"))
    ann = person("ann")
    data = filled(client, ann, is_superuser="on")
    assert client.post(page("user_change", ann.pk), data).status_code == 302
    ann.refresh_from_db()
    assert ann.is_superuser
