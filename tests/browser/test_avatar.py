"""The drawn avatar, looked at from outside: pixels, and the mouth at given moments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Page, sync_playwright

from tests.browser.static_site import static_site

pytestmark = pytest.mark.browser


PAGE = b"""<!doctype html><title>avatar</title>
<style>canvas { display: block; width: 320px; height: 320px }</style><canvas></canvas>"""

SILENCE, OPEN, ROUND, LABIODENTAL, BILABIAL = 0, 2, 7, 18, 21


@pytest.fixture(scope="module")
def avatar_page() -> Iterator[Page]:
    with static_site(PAGE) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--no-first-run"],
        )
        page = browser.new_page()
        page.goto(site)
        page.evaluate(TOOLS)
        yield page
        browser.close()


TOOLS = """
async () => {
  const { Presenter } = await import("/js/avatar/presenter.js");
  const { CHARACTERS } = await import("/js/avatar/characters.js");
  const { poseAt } = await import("/js/avatar/visemes.js");
  const { startAvatarLoop } = await import("/js/avatar/loop.js");
  const canvas = document.querySelector("canvas");
  const pixels = (x, y, width, height) =>
    [...canvas.getContext("2d").getImageData(x, y, width, height).data];
  const still = (look) => new Presenter(canvas, look, { reducedMotion: true });
  // The lower middle of a close face.
  const mouth = () => pixels(110, 195, 100, 70);
  // Each mouth is drawn twice: the first frame of a sentence is still blended with rest.
  const speak = (presenter, visemes, heardMs, nowMs) => {
    presenter.setSpeech(visemes);
    presenter.draw(heardMs, nowMs);
    presenter.draw(heardMs, nowMs + 500);
  };
  const differing = (one, other) =>
    one.filter((value, i) => Math.abs(value - other[i]) > 12).length / one.length;
  window.tools = {
    Presenter, CHARACTERS, canvas, differing, mouth, pixels, poseAt, speak, startAvatarLoop, still,
  };
}
"""


def open_at(page: Page, visemes: Sequence[Sequence[float]], *moments: float) -> list[float]:
    """How far apart the lips are at moments of a sentence, as the presenter draws them."""
    result: list[float] = page.evaluate(
        """({ visemes, moments }) => {
          const presenter = tools.still({ character: "ada", style: "casual" });
          return moments.map((heardMs) => {
            tools.speak(presenter, visemes, heardMs, 0);
            return presenter.mouthOpenness;
          });
        }""",
        {"visemes": visemes, "moments": list(moments)},
    )
    return result


def pose_at(page: Page, visemes: Sequence[Sequence[float]], at_ms: float) -> dict[str, float]:
    pose: dict[str, float] = page.evaluate(
        "({ visemes, at }) => tools.poseAt(visemes, at)", {"visemes": visemes, "at": at_ms}
    )
    return pose


def test_lips_touch_at_the_middle_of_a_bilabial_however_quick(avatar_page: Page) -> None:
    for lasts in (40, 60, 90, 160):
        visemes = [[0, OPEN], [200, BILABIAL], [200 + lasts, OPEN], [600, SILENCE]]
        middle = 200 + lasts / 2
        before, closed, after = open_at(avatar_page, visemes, 100, middle, middle + 180)
        assert closed == 0
        assert before > 0.5
        assert after > 0.5


def test_the_mouth_opens_with_the_vowel_and_rests_before_and_after(avatar_page: Page) -> None:
    visemes = [[0, SILENCE], [400, OPEN], [700, SILENCE]]
    early, wide, late = open_at(avatar_page, visemes, 0, 550, 1200)
    assert (early, late) == (0, 0)
    assert wide > 0.7


def test_the_lower_lip_tucks_and_the_lips_round(avatar_page: Page) -> None:
    visemes = [[0, SILENCE], [300, LABIODENTAL], [420, ROUND], [600, SILENCE]]
    assert pose_at(avatar_page, visemes, 360)["tuck"] > 0.6
    assert pose_at(avatar_page, visemes, 510)["round"] > 0.7
    assert pose_at(avatar_page, visemes, 510)["tuck"] < 0.25


def test_the_mouth_never_jumps(avatar_page: Page) -> None:
    visemes = [[i * 70, (i * 5) % 22] for i in range(60)] + [[4200, SILENCE]]
    steps: list[float] = avatar_page.evaluate(
        """(visemes) => {
          const steps = [];
          for (let t = -200; t < 4800; t += 4) {
            const [one, other] = [tools.poseAt(visemes, t), tools.poseAt(visemes, t + 4)];
            steps.push(Math.max(...Object.keys(one).map((k) => Math.abs(one[k] - other[k]))));
          }
          return steps;
        }""",
        visemes,
    )
    assert max(steps) < 0.25


def test_an_empty_list_is_rest_and_disorder_is_put_in_order(avatar_page: Page) -> None:
    rest = pose_at(avatar_page, [[0, SILENCE]], 50)
    assert pose_at(avatar_page, [], 50) == rest
    ordered = [[0, SILENCE], [100, OPEN], [260, BILABIAL], [330, ROUND], [500, SILENCE]]
    shuffled = [ordered[i] for i in (3, 0, 4, 2, 1)]
    for at in (90, 180, 295, 420, 900):
        assert pose_at(avatar_page, shuffled, at) == pose_at(avatar_page, ordered, at)


def test_a_viseme_nobody_knows_is_silence(avatar_page: Page) -> None:
    unknown = [[0, SILENCE], [100, 22], [200, -1], [300, SILENCE]]
    silence = pose_at(avatar_page, [[0, SILENCE]], 200)
    assert pose_at(avatar_page, unknown, 200) == pytest.approx(silence)


def test_every_figure_moves_its_mouth_and_comes_back_to_rest(avatar_page: Page) -> None:
    problems: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # Reading pixels back, as only this test does, makes the browser warn about speed.
        if message.type == "error":
            problems.append(message.text)

    avatar_page.on("console", note)
    avatar_page.on("pageerror", lambda error: problems.append(str(error)))
    figures: list[dict[str, Any]] = avatar_page.evaluate(
        """() => tools.CHARACTERS.flatMap(({ id, styles }) => styles.map((style) => {
          const presenter = tools.still({ character: id, style, crop: true });
          const sentence = [[0, 2], [1000, 21], [2000, 7], [3000, 0]];
          presenter.draw(null, 0);
          const rest = tools.mouth();
          const [open, closed, round] = [500, 1500, 2500].map((heardMs) => {
            tools.speak(presenter, sentence, heardMs, 0);
            return tools.mouth();
          });
          presenter.draw(null, 1000);
          presenter.draw(null, 1500);
          return {
            figure: `${id} ${style}`,
            opens: tools.differing(open, closed),
            rounds: tools.differing(round, open),
            left: tools.differing(rest, tools.mouth()),
          };
        }))"""
    )
    assert len(figures) == 12
    for figure in figures:
        assert figure["opens"] > 0.05, figure
        assert figure["rounds"] > 0.05, figure
        assert figure["left"] == 0, figure
    assert problems == []


def test_figures_and_styles_can_be_told_apart(avatar_page: Page) -> None:
    alike: list[str] = avatar_page.evaluate(
        """() => {
          const all = tools.CHARACTERS.flatMap(({ id, styles }) => styles.map((style) => {
            tools.still({ character: id, style }).draw(null, 0);
            return [`${id} ${style}`, tools.pixels(0, 0, 320, 320)];
          }));
          return all.flatMap(([name, one], i) => all.slice(i + 1)
            .filter(([, other]) => tools.differing(one, other) < 0.04)
            .map(([other]) => `${name} = ${other}`));
        }"""
    )
    assert alike == []


def test_everybody_is_dressed_down_to_the_edge_of_the_canvas(avatar_page: Page) -> None:
    bare: list[str] = avatar_page.evaluate(
        """() => tools.CHARACTERS.flatMap(({ id, styles }) => styles.map((style) => {
          tools.still({ character: id, style, transparent: true }).draw(null, 0);
          const shoulders = tools.pixels(80, 319, 160, 1).filter((_, i) => i % 4 === 3);
          return shoulders.every((opacity) => opacity === 255) ? "" : `${id} ${style}`;
        }).filter(Boolean))"""
    )
    assert bare == []


def test_the_background_is_the_colour_asked_for_or_clear(avatar_page: Page) -> None:
    corners: list[list[int]] = avatar_page.evaluate(
        """() => [
          { background_colour: "#204060" },
          { background_colour: "#20406080" },
          { background_colour: "#204060", transparent: true },
        ].map((look) => {
          tools.still({ character: "mei", style: "formal", ...look }).draw(null, 0);
          return tools.pixels(2, 2, 1, 1);
        })"""
    )
    opaque, translucent, clear = corners
    assert opaque == [0x20, 0x40, 0x60, 255]
    assert translucent[3] == 0x80
    assert clear == [0, 0, 0, 0]


def test_a_changed_look_and_size_are_drawn_at_once(avatar_page: Page) -> None:
    drawn: dict[str, Any] = avatar_page.evaluate(
        """() => {
          const presenter = tools.still({ character: "ada", style: "casual" });
          presenter.draw(null, 0);
          presenter.setLook({ character: "bruno", style: "formal" });
          const changed = tools.pixels(0, 0, 320, 320);
          tools.still({ character: "bruno", style: "formal" }).draw(null, 0);
          const fresh = tools.pixels(0, 0, 320, 320);
          tools.canvas.style.width = "200px";
          presenter.resize();
          const { width } = tools.canvas;
          const [, , , opacity] = tools.pixels(2, 2, 1, 1);
          tools.canvas.style.width = "";
          return { left: tools.differing(changed, fresh), width, opacity };
        }"""
    )
    assert drawn == {"left": 0, "width": 200, "opacity": 255}


def test_someone_unknown_to_this_page_is_still_shown(avatar_page: Page) -> None:
    same: bool = avatar_page.evaluate(
        """() => {
          const [first] = tools.CHARACTERS;
          const draw = (look) => {
            tools.still(look).draw(null, 0);
            return tools.pixels(0, 0, 320, 320).join();
          };
          return draw({ character: "nobody", style: "none" })
            === draw({ character: first.id, style: first.styles[0] });
        }"""
    )
    assert same


def test_a_figure_at_rest_is_alive_unless_less_motion_was_asked_for(avatar_page: Page) -> None:
    moved: list[bool] = avatar_page.evaluate(
        """() => [false, true].map((reducedMotion) => {
          const look = { character: "noor", style: "casual" };
          const presenter = new tools.Presenter(tools.canvas, look, { reducedMotion });
          presenter.draw(null, 0);
          const before = tools.pixels(0, 0, 320, 320).join();
          presenter.draw(null, 1000);
          return tools.pixels(0, 0, 320, 320).join() !== before;
        })"""
    )
    assert moved == [True, False]


def test_the_loop_draws_what_the_clock_says_until_stopped(avatar_page: Page) -> None:
    result: dict[str, Any] = avatar_page.evaluate(
        """async () => {
          const presenter = tools.still({ character: "chidi", style: "casual" });
          presenter.setSpeech([[0, 2], [60000, 0]]);
          const frames = (count) => new Promise((resolve) => {
            const next = () => (count-- > 0 ? requestAnimationFrame(next) : resolve());
            next();
          });
          let heardMs = 30000;
          let asked = 0;
          const stop = tools.startAvatarLoop(presenter, () => { asked += 1; return heardMs; });
          await frames(30);
          const open = presenter.mouthOpenness;
          const fps = stop.fps;
          heardMs = null;
          for (let i = 0; i < 600 && presenter.mouthOpenness > 0; i += 1) await frames(1);
          const closed = presenter.mouthOpenness;
          stop();
          const before = asked;
          await frames(5);
          return { open, fps, closed, after: asked - before };
        }"""
    )
    assert result["open"] > 0.7
    assert result["fps"] > 0
    assert result["closed"] == 0
    assert result["after"] == 0
