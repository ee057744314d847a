"""The speaker page's own modules, run in the browser they are written for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.browser.static_site import static_site

pytestmark = pytest.mark.browser

FRAME_SECONDS = 0.1


@pytest.fixture(scope="module")
def modules() -> Iterator[Page]:
    with static_site() as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--no-first-run"],
        )
        page = browser.new_page()
        page.goto(site)
        yield page
        browser.close()


QUEUE = """
async ({ limits, steps }) => {
  const { FrameQueue } = await import("/js/speaker/frame-queue.js");
  const queue = new FrameQueue(limits);
  let said = 0;
  const log = [];
  const say = (count) => {
    for (let i = 0; i < count; i += 1) {
      // A tenth of a second, whose every sample is its number among all that was said.
      queue.push(new Int16Array(1600).fill(said).buffer);
      said += 1;
    }
  };
  const send = (most = Infinity) => {
    const sent = [];
    for (let frame; sent.length < most && (frame = queue.take()); ) {
      const number = new DataView(frame).getUint32(0);
      const samples = new Int16Array(frame.slice(4));
      if (samples.length !== 1600 || new Set(samples).size !== 1) throw new Error("torn frame");
      sent.push([number, samples[0]]);
    }
    log.push(sent);
  };
  for (const [verb, ...values] of steps) {
    const numbers = values.map(Number);
    if (verb === "say") say(...numbers);
    else if (verb === "send") send(...numbers);
    else queue[verb](...numbers);
  }
  return { log, kept: queue.keptSeconds, unsent: queue.unsentSeconds, lost: queue.lostSeconds };
}
"""


def run_queue(
    page: Page, script: str, *, keep: float = 600, in_flight: float = 60
) -> dict[str, Any]:
    """Each `send` of the script adds a list of [frame number, what was said in it] to `log`."""
    limits = {"keepSeconds": keep, "inFlightSeconds": in_flight}
    steps = [step.split() for step in script.split(", ")]
    result: dict[str, Any] = page.evaluate(QUEUE, {"limits": limits, "steps": steps})
    return result


def said(first: int, last: int, *, number: int | None = None) -> list[list[int]]:
    """Frames of what was said from `first` to `last`, numbered from `number` on."""
    start = first if number is None else number
    return [[start + at, first + at] for at in range(last - first + 1)]


def test_frames_are_numbered_by_one_from_zero(modules: Page) -> None:
    result = run_queue(modules, "say 3, send, say 2, send")
    assert result["log"] == [said(0, 2), said(3, 4)]


def test_acknowledged_frames_are_forgotten_and_the_rest_kept(modules: Page) -> None:
    result = run_queue(modules, "say 10, send, ack 6")
    assert result["kept"] == pytest.approx(3 * FRAME_SECONDS)
    assert result["unsent"] == 0


def test_an_old_acknowledgement_changes_nothing(modules: Page) -> None:
    result = run_queue(modules, "say 10, send, ack 6, ack 2, resume 7, send")
    assert result["log"][1] == said(7, 9)


def test_after_a_reconnect_it_goes_on_with_the_first_frame_the_server_lacks(modules: Page) -> None:
    result = run_queue(modules, "say 10, send, ack 3, say 2, resume 8, send")
    assert result["log"] == [said(0, 9), said(8, 11)]


def test_what_the_server_had_received_but_not_stored_can_be_sent_again(modules: Page) -> None:
    result = run_queue(modules, "say 10, send, ack 3, resume 8, send, resume 4, send")
    assert result["log"] == [said(0, 9), said(8, 9), said(4, 9)]


def test_at_most_sixty_seconds_are_in_flight(modules: Page) -> None:
    result = run_queue(modules, "say 700, send, send, ack 49, send")
    assert result["log"] == [said(0, 599), [], said(600, 649)]
    assert result["unsent"] == pytest.approx(5)


def test_the_oldest_unsent_speech_goes_after_ten_minutes_without_a_gap_in_the_numbers(
    modules: Page,
) -> None:
    result = run_queue(modules, "say 6005, send 3")
    assert result["kept"] == pytest.approx(600)
    assert result["lost"] == pytest.approx(5 * FRAME_SECONDS)
    assert result["log"] == [said(5, 7, number=0)]


def test_speech_that_was_sent_and_dropped_is_lost_only_if_the_server_lacks_it(
    modules: Page,
) -> None:
    offline = "say 10, send, say 5"
    stored = run_queue(modules, f"{offline}, resume 10, send", keep=1, in_flight=1)
    assert (stored["lost"], stored["log"][1]) == (0, [])
    assert stored["kept"] == pytest.approx(1)

    restarted = run_queue(modules, f"{offline}, resume 0, send 5", keep=1, in_flight=1)
    assert restarted["lost"] == pytest.approx(5 * FRAME_SECONDS)
    assert restarted["log"][1] == said(5, 9, number=0)


def test_dropped_frames_still_count_as_in_flight(modules: Page) -> None:
    result = run_queue(modules, "say 10, send, say 8, send, ack 9, send", keep=1, in_flight=1)
    assert result["log"] == [said(0, 9), [], said(10, 17)]


def test_a_server_that_lost_what_it_acknowledged_gets_the_rest_without_a_gap(modules: Page) -> None:
    result = run_queue(modules, "say 10, send, ack 5, resume 3, send")
    assert result["log"][1] == said(6, 9, number=3)


def test_a_new_session_gets_what_was_not_sent_from_zero(modules: Page) -> None:
    result = run_queue(modules, "say 4, send, say 3, restart 0, send")
    assert result["log"][1] == said(4, 6, number=0)


def test_a_reloaded_page_goes_on_with_the_servers_number(modules: Page) -> None:
    result = run_queue(modules, "say 2, restart 500, send, say 1, send")
    assert result["log"] == [said(0, 1, number=500), said(2, 2, number=502)]


RESAMPLE = """
async ({ rate, hertz, blocks }) => {
  const { Resampler } = await import("/js/speaker/resampler.js");
  const resampler = new Resampler(rate);
  const turn = (index, perSecond) => (2 * Math.PI * hertz * index) / perSecond;
  const input = Float32Array.from({ length: rate }, (_, at) => 0.5 * Math.sin(turn(at, rate)));
  const output = [];
  for (let at = 0, block = 0; at < input.length; block += 1) {
    const length = blocks[block % blocks.length];
    output.push(...resampler.process(input.slice(at, at + length)));
    at += length;
  }
  // Away from the edges, against a sine and a cosine of the same frequency.
  const edge = 800;
  const middle = output.slice(edge, 15200).map((value, at) => [value, turn(at + edge, 16000)]);
  const project = (wave) => (
    (2 / middle.length) * middle.reduce((sum, [value, angle]) => sum + value * wave(angle), 0)
  );
  const sine = project(Math.sin);
  const cosine = project(Math.cos);
  const peak = Math.max(...middle.map(([value]) => Math.abs(value)));
  const residue = Math.max(...middle.map(([value, angle]) => (
    Math.abs(value - sine * Math.sin(angle) - cosine * Math.cos(angle))
  )));
  return { length: output.length, sine, cosine, peak, residue };
}
"""


def resample(page: Page, rate: int, hertz: float, blocks: list[int]) -> dict[str, float]:
    """A second of a sine of amplitude 0.5, given in blocks of these lengths in turn."""
    result: dict[str, float] = page.evaluate(
        RESAMPLE, {"rate": rate, "hertz": hertz, "blocks": blocks}
    )
    return result


@pytest.mark.parametrize("blocks", [[128], [2048], [1, 127, 300]])
@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000, 96000])
def test_a_tone_keeps_its_pitch_loudness_and_place(
    modules: Page, rate: int, blocks: list[int]
) -> None:
    result = resample(modules, rate, 440, blocks)
    assert result["sine"] == pytest.approx(0.5, abs=0.001)
    assert result["cosine"] == pytest.approx(0, abs=0.001)
    assert result["residue"] < 0.001
    assert 15900 <= result["length"] <= 16000


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_speech_keeps_its_upper_harmonics(modules: Page, rate: int) -> None:
    assert resample(modules, rate, 5000, [128])["peak"] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_what_would_fold_back_into_speech_is_gone(modules: Page, rate: int) -> None:
    assert resample(modules, rate, 10_000, [128])["peak"] < 0.5 / 1000


BLOCKS = """
async ({ rate, channels, length }) => {
  const { PcmBlocks } = await import("/js/speaker/pcm-blocks.js");
  const blocks = [];
  const cutter = new PcmBlocks(rate, ({ pcm, peak }) => {
    const samples = new Int16Array(pcm);
    blocks.push([samples.length, samples[700], Math.round(peak * 1000)]);
  });
  for (let at = 0; at < length; at += 128) {
    cutter.add(channels.map((value) => new Float32Array(128).fill(value)));
  }
  return blocks;
}
"""


@pytest.mark.parametrize(
    ("channels", "sample", "peak"),
    [([0.5], 16384, 500), ([0.5, -0.5], 0, 0), ([0.2, 0.4], 9830, 300), ([3.0], 32767, 3000)],
)
def test_blocks_are_80_ms_of_mono_pcm_with_their_peak(
    modules: Page, channels: list[float], sample: int, peak: int
) -> None:
    blocks = modules.evaluate(BLOCKS, {"rate": 48000, "channels": channels, "length": 48000})
    assert blocks == [[1280, sample, peak]] * 12


WATCH = """
async (peaks) => {
  const { SoundWatch } = await import("/js/speaker/sound-watch.js");
  const watch = new SoundWatch();
  return peaks.map((peak, block) => watch.judge(peak, block * 80));
}
"""


def test_four_seconds_of_nothing_are_noticed_and_speech_clears_it(modules: Page) -> None:
    verdicts = modules.evaluate(WATCH, [0.3, *[0.0005] * 60, 0.2])
    assert verdicts == ["fine"] * 50 + ["no-sound"] * 11 + ["fine"]


def test_one_crack_is_no_reason_to_complain_but_clipping_is(modules: Page) -> None:
    assert modules.evaluate(WATCH, [0.3, 1, 0.3, 0.3]) == ["fine"] * 4
    assert modules.evaluate(WATCH, [1, 0.5, 1, 1]) == ["fine"] * 3 + ["too-loud"]


STOP = """
async ({ verb, steps }) => {
  const { SpeakerSession } = await import("/js/speaker/speaker-session.js");
  const kept = { WebSocket, setInterval, now: performance.now };
  let now = 0;
  let tick;
  const sockets = [];
  globalThis.WebSocket = class {
    static OPEN = 1;
    readyState = 1;
    bufferedAmount = 0;
    sent = [];
    constructor() { sockets.push(this); }
    send(data) { this.sent.push(JSON.parse(data).type); }
    close() {}
  };
  globalThis.setInterval = (again) => { tick = again; };
  performance.now = () => now;
  try {
    const nothing = () => {};
    const session = new SpeakerSession("/ws/speak/x/", "tab", {
      onChange: nothing, onCaption: nothing, onAudience: nothing, onLag: nothing,
      onProblem: nothing, onStored: nothing,
    });
    await null;
    const [socket] = sockets;
    const say = (message) => socket.onmessage({ data: JSON.stringify(message) });
    socket.onopen();
    say({ type: "ready", session: null, next_frame: 0 });
    session.start({ source_language: "en-US", rehearsal: false });
    say({ type: "state", session: 1, state: "live", next_frame: 0 });
    session[verb]();
    for (const [seconds, message] of steps) {
      now += 1000 * seconds;
      tick();
      if (message && sockets.length === 1) say(message);
    }
    return { phase: session.phase, sent: socket.sent, connections: sockets.length };
  } finally {
    globalThis.WebSocket = kept.WebSocket;
    globalThis.setInterval = kept.setInterval;
    performance.now = kept.now;
  }
}
"""
STOPPING = {"type": "state", "session": 1, "state": "live", "next_frame": 0}
AUDIENCE = {"type": "audience", "total": 0, "languages": {}}


@pytest.mark.parametrize("message", [STOPPING, AUDIENCE])
@pytest.mark.parametrize(("verb", "state"), [("end", "ended"), ("pause", "paused")])
def test_a_stop_that_the_server_works_on_is_waited_for(
    modules: Page, verb: str, state: str, message: dict[str, Any]
) -> None:
    done = {**STOPPING, "state": state}
    steps = [[5, message]] * 18 + [[5, done]]
    result = modules.evaluate(STOP, {"verb": verb, "steps": steps})
    assert result == {"phase": state, "sent": ["start", verb], "connections": 1}


@pytest.mark.parametrize("verb", ["end", "pause"])
@pytest.mark.parametrize("before", [[], [[15, STOPPING]]])
def test_a_stop_of_which_nothing_is_heard_is_asked_for_on_a_new_connection(
    modules: Page, verb: str, before: list[Any]
) -> None:
    for silent_s, connections in ((19, 1), (21, 2)):
        steps = [*before, [silent_s, None]]
        result = modules.evaluate(STOP, {"verb": verb, "steps": steps})
        assert result["connections"] == connections
