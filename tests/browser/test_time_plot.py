"""The module that draws lines over time, in real Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import OpenBrowser
from tests.browser.static_site import static_site

pytestmark = pytest.mark.browser

PAGE = b"<!doctype html><link rel='icon' href='data:,'><title>plot</title>"

STROKES = """async (lines) => {
  const strokes = new Set();
  const stroke = CanvasRenderingContext2D.prototype.stroke;
  CanvasRenderingContext2D.prototype.stroke = function (...path) {
    if (path.length) strokes.add([this.strokeStyle, this.getLineDash().join(" ")].join());
    return stroke.apply(this, path);
  };
  const place = document.body.appendChild(document.createElement("div"));
  const { TimePlot } = await import("/js/admin/time-plot.js");
  const points = [[0, 1], [60_000, 2]];
  const series = Array.from({ length: lines }, (_, line) => ({ label: `${line}`, points }));
  new TimePlot(place, { steps: true }).update(series);
  await new Promise((resolve) => setTimeout(resolve, 200));
  return strokes.size;
}"""
"""In how many ways, of colour and dashes together, this many lines are drawn."""


INK = """async (points) => {
  const place = document.body.appendChild(document.createElement("div"));
  const { TimePlot } = await import("/js/admin/time-plot.js");
  const inked = async (series) => {
    new TimePlot(place).update(series);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const canvas = place.querySelector("canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let blue = 0;
    for (let at = 0; at < data.length; at += 4) if (data[at + 2] - data[at] > 100) blue += 1;
    place.replaceChildren();
    return blue;
  };
  return await inked([{ label: "line", points }]);
}"""
"""How many pixels a line's own colour, the first one's blue, covers."""


@pytest.fixture
def page(open_browser: OpenBrowser) -> Iterator[Page]:
    with static_site(PAGE) as url:
        page = open_browser().page()
        page.goto(url)
        yield page


def test_no_two_of_many_lines_look_the_same(page: Page) -> None:
    assert page.evaluate(STROKES, 20) == 20


def test_a_line_of_one_point_is_seen(page: Page) -> None:
    assert page.evaluate(INK, [[60_000, 0.6]]) > 0
