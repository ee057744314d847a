"""What a person settles for themselves in the back office: the time zone, no more first steps."""

from __future__ import annotations

from typing import Any, cast
from zoneinfo import available_timezones

from django import forms
from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from sessions_app.models import Preferences
from sessions_app.office import office_page
from sessions_app.time_zones import zone_name

REGIONS = (
    "Africa America Antarctica Asia Atlantic Australia Europe Indian Pacific UTC".split()  # noqa: SIM905
)
"""Others, such as Etc and the names of single countries, are old names of what these have."""


class TimeZoneForm(forms.Form):
    """One of the time zones, by continent."""

    time_zone = forms.ChoiceField(
        label="Time zone",
        error_messages={"invalid_choice": "Choose a time zone of the list."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast("forms.ChoiceField", self.fields["time_zone"])
        field.choices = _by_region()


def _by_region() -> list[tuple[str, list[tuple[str, str]]]]:
    # Whatever the page was answered in is one of the choices.
    names = sorted({*available_timezones(), zone_name()})
    found: dict[str, list[tuple[str, str]]] = {}
    for name in names:
        region = name.partition("/")[0]
        if region in REGIONS or name == zone_name():
            found.setdefault(region, []).append((name, name.replace("_", " ")))
    return list(found.items())


@staff_member_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def time_zone(request: HttpRequest) -> HttpResponse:
    """`/office/time-zone/`: choose the zone in which the back office shows all times."""
    back = _back(request)
    if request.method == "POST":
        form = TimeZoneForm(request.POST)
        if form.is_valid():
            name = form.cleaned_data["time_zone"]
            Preferences.choose_time_zone(cast(User, request.user).pk, name)
            messages.success(request, f"Times are now shown in the time zone {name}.")
            return redirect(back)
    else:
        form = TimeZoneForm(initial={"time_zone": zone_name()})
    title = "In which time zone do you want to see times?"
    return office_page(request, "office/time_zone.html", title, form=form, back=back)


@staff_member_required
@require_POST
def dismiss_first_steps(request: HttpRequest) -> HttpResponse:
    """`/office/first-steps/dismiss/`: show them to this person no more."""
    Preferences.dismiss_first_steps(cast(User, request.user).pk)
    return redirect("admin:index")


def _back(request: HttpRequest) -> str:
    """The page of ours to return to."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    return wanted if ours else reverse("admin:index")
