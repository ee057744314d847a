"""The list of languages a listener chooses from, in real Chromium."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from sessions_app.models import Event, Language
from tests.browser.conftest import PHONE, OpenBrowser
from tests.conftest import Server

pytestmark = pytest.mark.browser


def test_a_list_says_on_which_sides_it_hides_languages(
    server: Server, open_browser: OpenBrowser, make_event: Callable[..., Event]
) -> None:
    event = make_event("es-ES")
    page = open_browser().page(size=PHONE)
    page.goto(server.url + event.get_absolute_url())
    choices, count = page.locator("#language-choices"), page.locator("#language-count")
    expect(choices.get_by_role("radio")).to_have_count(2)
    expect(choices).to_have_attribute("data-more", "")
    expect(count).to_have_text("")

    rest = Language.objects.exclude(code__in=["es-ES", "en-US"])
    for language in rest.order_by("name")[:12]:
        event.languages.create(language=language)
    page.goto(server.url + event.get_absolute_url())
    expect(count).to_have_text("14 to choose from")
    choices.evaluate("list => list.scrollTo(0, 0)")
    expect(choices).to_have_attribute("data-more", "below")
    choices.evaluate("list => list.scrollTo(0, 60)")
    expect(choices).to_have_attribute("data-more", "above below")
    choices.evaluate("list => list.scrollTo(0, list.scrollHeight)")
    expect(choices).to_have_attribute("data-more", "above")
