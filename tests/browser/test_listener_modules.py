"""The modules of the listener's page, each in real Chromium, without the rest of the server."""

from __future__ import annotations

import base64
import io
import json
import math
import random
import socket
import struct
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import JSHandle, Page, sync_playwright
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from tests.browser.static_site import static_site

pytestmark = pytest.mark.browser

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_S = 30


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with static_site() as url:
        yield url


@pytest.fixture(scope="module")
def empty_page(site: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield browser.new_page()
        browser.close()


@pytest.fixture
def page(empty_page: Page, site: str) -> Page:
    empty_page.goto(site)
    return empty_page


def poll(page: Page, expression: str) -> None:
    """Wait until the expression is true in the page."""
    end = time.monotonic() + PATIENCE_S
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"never true: {expression}"
        page.wait_for_timeout(20)


# captions.js


class Captions:
    """The page's Captions, reached from here."""

    def __init__(self, page: Page) -> None:
        self.handle: JSHandle = page.evaluate_handle(
            "import('/js/listener/captions.js').then(({ Captions }) => new Captions())"
        )

    def apply(self, *messages: dict[str, Any]) -> list[dict[str, Any]]:
        changes: list[dict[str, Any]] = self.handle.evaluate(
            "(captions, messages) => messages.map((message) => captions.apply(message))",
            list(messages),
        )
        return changes

    def all(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.handle.evaluate("(captions) => captions.all()")
        return rows

    @property
    def after(self) -> dict[str, Any] | None:
        after: dict[str, Any] | None = self.handle.evaluate("(captions) => captions.after")
        return after

    def is_behind(self, beat: dict[str, Any]) -> bool:
        behind: bool = self.handle.evaluate("(captions, beat) => captions.isBehind(beat)", beat)
        return behind


def joined(session: int | None = 7, language: str = "es-ES", seq: int = 0) -> dict[str, Any]:
    return {"type": "joined", "session": session, "language": language, "seq": seq}


def final(segment: int, seq: int, text: str | None = "Hola.", **changes: Any) -> dict[str, Any]:
    return {
        "type": "caption",
        "session": 7,
        "language": "es-ES",
        "segment": segment,
        "final": True,
        "seq": seq,
        "text": text,
        "source": f"Sentence {segment}.",
        "source_language": "en-US",
        "start_ms": segment * 4000,
        "end_ms": segment * 4000 + 3000,
        "corrected": False,
        **changes,
    }


def partial(segment: int, stable: str, tail: str = "", **changes: Any) -> dict[str, Any]:
    return {
        "type": "caption",
        "session": 7,
        "language": "es-ES",
        "segment": segment,
        "final": False,
        "stable": stable,
        "tail": tail,
        "source": "Sentence",
        "source_language": "en-US",
        **changes,
    }


def beat(seq: int, session: int = 7) -> dict[str, Any]:
    return {"type": "beat", "session": session, "state": "live", "seq": seq}


class Talk:
    """What a server would hold of one language: each segment's latest caption."""

    def __init__(self) -> None:
        self.seq = 0
        self.segments: dict[int, dict[str, Any]] = {}

    def store(self, segment: int, text: str | None, *, corrected: bool = False) -> dict[str, Any]:
        self.seq += 1
        self.segments[segment] = final(segment, self.seq, text, corrected=corrected)
        return self.segments[segment]

    def replay(self, after: dict[str, Any] | None) -> list[dict[str, Any]]:
        versions = sorted(self.segments.values(), key=lambda caption: int(caption["seq"]))
        if after is None:
            newest = sorted(self.segments)[-50:]
            versions = [caption for caption in versions if caption["segment"] in newest]
        else:
            versions = [caption for caption in versions if caption["seq"] > after["seq"]]
        return [joined(seq=self.seq), *versions, {"type": "replayed", "seq": self.seq}]

    def history(self, before: int) -> list[dict[str, Any]]:
        older = [segment for segment in sorted(self.segments) if segment < before]
        return [self.segments[segment] for segment in older[-50:]]


@pytest.mark.parametrize("seed", range(8))
def test_replay_and_live_equal_a_fresh_join(page: Page, seed: int) -> None:
    """Messages get lost, the connection breaks, corrections race: in the end nothing differs."""
    chance = random.Random(seed)  # noqa: S311 a schedule, not a secret
    talk = Talk()
    listener = Captions(page)
    listener.apply(*talk.replay(None))
    connected = True
    on_the_way: list[dict[str, Any]] = []
    for step in range(250):
        action = chance.random()
        if action < 0.35:
            segment = len(talk.segments) + chance.choice([1, 1, 2])
            on_the_way.append(partial(segment, f"Parte {step} ", "y cola"))
        elif action < 0.6:
            text = None if chance.random() < 0.2 else f"Frase {step}."
            on_the_way.append(talk.store(len(talk.segments) + 1, text))
        elif action < 0.75 and talk.segments:
            segment = chance.choice(sorted(talk.segments))
            on_the_way.append(talk.store(segment, f"Corregida {step}.", corrected=True))
        elif action < 0.8:
            on_the_way.append(final(1, 999, "Otra sesión.", session=6))
            on_the_way.append(final(1, 999, "Autre langue.", language="fr-FR"))
        elif action < 0.85:
            connected = False
        if chance.random() < 0.3:
            if not connected:
                listener.apply(*talk.replay(listener.after))
                connected = True
            elif chance.random() < 0.9:
                chance.shuffle(on_the_way)
                listener.apply(*on_the_way)
            on_the_way = []
    if not connected or listener.is_behind(beat(talk.seq)):
        listener.apply(*talk.replay(listener.after))
    listener.apply(talk.store(len(talk.segments) + 1, "La última."))

    fresh = Captions(page)
    fresh.apply(*talk.replay(None))
    while (oldest := fresh.handle.evaluate("(captions) => captions.oldest")) > 1:
        fresh.apply(*talk.history(oldest))

    assert len(fresh.all()) == len(talk.segments)
    assert [row for row in listener.all() if row["final"]] == fresh.all()
    assert listener.is_behind(beat(talk.seq)) is False


def test_correction_that_overtakes_its_final_stays(page: Page) -> None:
    captions = Captions(page)
    correction = final(1, 2, "Buenos días a todos.", corrected=True)
    captions.apply(joined(), correction, final(1, 1, "Buen día todo."))
    [row] = captions.all()
    assert (row["text"], row["seq"], row["corrected"]) == ("Buenos días a todos.", 2, True)
    assert captions.after == {"session": 7, "seq": 2}


def test_partial_never_replaces_a_final(page: Page) -> None:
    captions = Captions(page)
    captions.apply(joined(), partial(1, "Hola "), final(1, 1, "Hola."), partial(1, "Holaaa "))
    assert [(row["final"], row["text"]) for row in captions.all()] == [(True, "Hola.")]


def test_partial_of_a_phrase_that_came_to_nothing_goes(page: Page) -> None:
    captions = Captions(page)
    captions.apply(joined(), partial(1, "Eh "), partial(2, "Buenos "))
    [change] = captions.apply(final(2, 1, "Buenos días."))
    assert change == {"reset": False, "segments": [1, 2]}
    assert [row["segment"] for row in captions.all()] == [2]


def test_translation_that_comes_late_fills_its_place(page: Page) -> None:
    captions = Captions(page)
    captions.apply(joined(), final(1, 1, None), final(2, 2, "Dos."))
    assert [row["text"] for row in captions.all()] == [None, "Dos."]
    captions.apply(final(1, 3, "Uno."))
    assert [row["text"] for row in captions.all()] == ["Uno.", "Dos."]


def test_missing_number_is_noticed_and_asked_for_again(page: Page) -> None:
    captions = Captions(page)
    captions.apply(joined(), {"type": "replayed", "seq": 3}, final(5, 5))
    assert captions.is_behind(beat(5)) is True
    assert captions.after == {"session": 7, "seq": 3}
    captions.apply(final(4, 4))
    assert captions.is_behind(beat(5)) is False
    assert captions.after == {"session": 7, "seq": 5}


def test_new_session_begins_with_an_empty_page(page: Page) -> None:
    captions = Captions(page)
    captions.apply(joined(), final(1, 1))
    [change] = captions.apply({"type": "state", "session": 8, "state": "live"})
    assert (change, captions.all(), captions.after) == ({"reset": True, "segments": []}, [], None)
    captions.apply(final(2, 2, "Demasiado tarde."), final(1, 1, "Nuevo.", session=8))
    assert [row["text"] for row in captions.all()] == ["Nuevo."]
    assert captions.is_behind(beat(1, session=8)) is False
    assert captions.is_behind(beat(0, session=9)) is True


def test_end_keeps_history_and_drops_what_was_not_finished(page: Page) -> None:
    captions = Captions(page)
    captions.apply(joined(), final(1, 1), partial(2, "Y "))
    captions.apply({"type": "state", "session": 7, "state": "ended"})
    assert [row["segment"] for row in captions.all()] == [1]


def test_language_switch_leaves_nothing_of_the_old_language(page: Page) -> None:
    captions = Captions(page)
    captions.apply(joined(), final(1, 1))
    [change] = captions.apply(joined(language="fr-FR"))
    assert (change["reset"], captions.all()) == (True, [])
    captions.apply(final(2, 2, "Hola."), final(2, 2, "Bonjour.", language="fr-FR"))
    assert [row["text"] for row in captions.all()] == ["Bonjour."]


# caption-view.js

SHOW_VIEW = """async () => {
    document.body.innerHTML = `<div id="scroller"><ol id="list"></ol></div>
        <button id="newest"></button>`;
    const scroller = document.getElementById("scroller");
    Object.assign(scroller.style, { height: "300px", overflowY: "auto", overflowAnchor: "none" });
    const { Captions } = await import("/js/listener/captions.js");
    const { CaptionView } = await import("/js/listener/caption-view.js");
    window.olderAsked = 0;
    window.captions = new Captions();
    window.view = new CaptionView({
        scroller,
        list: document.getElementById("list"),
        newest: document.getElementById("newest"),
        onNearStart: () => { window.olderAsked += 1; },
    });
    window.receive = (messages) => {
        for (const message of messages) {
            const change = captions.apply(message);
            if (change.reset) view.reset({ code: captions.language, direction: "ltr" });
            view.update(change.segments, (segment) => captions.get(segment));
        }
    };
}"""


@pytest.fixture
def view(page: Page) -> Page:
    page.evaluate(SHOW_VIEW)
    return page


def receive(view: Page, *messages: dict[str, Any]) -> None:
    view.evaluate("(messages) => receive(messages)", list(messages))


def test_partial_becomes_final_in_the_same_place(view: Page) -> None:
    receive(view, joined(), partial(1, "Los ingresos ", "subieron"))
    assert view.inner_text(".settled") + view.inner_text(".tail") == "Los ingresos subieron"
    view.evaluate("window.item = document.querySelector('.caption')")
    receive(view, final(1, 1, "Los ingresos crecieron."))
    assert view.evaluate("item === document.querySelector('.caption') && item.isConnected") is True
    assert (view.inner_text(".settled"), view.inner_text(".tail")) == (
        "Los ingresos crecieron.",
        "",
    )


def test_text_of_others_is_never_markup(view: Page) -> None:
    evil = "<img src=x onerror=alert(1)><b>Hola</b>"
    receive(view, joined(), final(1, 1, evil, source=evil + "!"))
    assert view.inner_text(".caption-text") == evil
    assert view.locator(".caption img, .caption b").count() == 0


def test_untranslated_caption_shows_what_was_said(view: Page) -> None:
    receive(view, joined(), final(1, 1, None))
    assert view.inner_text(".caption-note") == "Not translated yet"
    assert view.inner_text(".caption-source") == "Sentence 1."
    assert view.get_attribute(".caption", "data-state") == "untranslated"


def test_correction_is_marked(view: Page) -> None:
    receive(view, joined(), final(1, 1), final(1, 2, "Mejor.", corrected=True))
    assert view.inner_text(".caption-text") == "Mejor."
    assert view.inner_text(".caption-note") == "Corrected"


def test_view_follows_until_the_reader_scrolls_up(view: Page) -> None:
    receive(view, joined(), *(final(n, n - 50) for n in range(51, 91)))
    at_end = "scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 2"
    assert view.evaluate(at_end) is True
    assert view.locator("#newest").is_hidden()

    view.evaluate("scroller.scrollTop = 600")
    poll(view, "!newest.hidden")
    read = view.evaluate(
        """[...list.children].find((item) =>
            item.getBoundingClientRect().top >= scroller.getBoundingClientRect().top
        ).dataset.segment"""
    )
    top = f"document.querySelector('[data-segment=\"{read}\"]').getBoundingClientRect().top"
    before = view.evaluate(top)
    newer = [final(n, n - 50) for n in range(91, 101)]
    older = [final(n, n + 50) for n in range(1, 51)]
    receive(view, *newer, *older, final(52, 101, "Más largo. " * 30, corrected=True))
    assert math.isclose(view.evaluate(top), before, abs_tol=1)
    assert view.evaluate("[...list.children].map((item) => Number(item.dataset.segment))") == list(
        range(1, 101)
    )

    view.click("#newest")
    assert view.evaluate(at_end) is True
    assert view.locator("#newest").is_hidden()


def test_text_that_appears_below_does_not_stop_following(view: Page) -> None:
    receive(view, joined(), *(final(n, n) for n in range(1, 41)))
    view.evaluate(
        """async (message) => {
            receive([message]);
            const below = document.createElement("p");
            below.style.height = "120px";
            scroller.append(below);
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        }""",
        final(41, 41),
    )
    assert view.locator("#newest").is_hidden()
    receive(view, final(42, 42))
    assert (
        view.evaluate("scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 2")
        is True
    )


def test_older_captions_are_asked_for_at_the_top(view: Page) -> None:
    receive(view, joined(), *(final(n, n - 50) for n in range(51, 91)))
    assert view.evaluate("olderAsked") == 0
    view.evaluate("scroller.scrollTop = 0")
    poll(view, "olderAsked > 0")


@pytest.mark.parametrize(
    ("ms", "shown"),
    [(0, "0:00"), (61_999, "1:01"), (3_600_000, "1:00:00"), (36_061_000, "10:01:01")],
)
def test_session_time_in_figures(page: Page, ms: int, shown: str) -> None:
    module = "import('/js/listener/caption-view.js')"
    assert page.evaluate(f"(ms) => {module}.then((m) => m.sessionTime(ms))", ms) == shown


# speech-queue.js, speech-frame.js, player.js


def in_queue(page: Page, body: str) -> Any:
    return page.evaluate(
        """(body) => import('/js/listener/speech-queue.js').then(({ SpeechQueue }) => {
            const queue = new SpeechQueue();
            const push = (segment, ms) => queue.push({ segment }, ms);
            const take = (ms) => queue.take(ms)?.segment ?? null;
            return new Function('queue', 'push', 'take', body)(queue, push, take);
        })""",
        body,
    )


def test_speech_comes_in_segment_order_and_once(page: Page) -> None:
    played = in_queue(
        page,
        """push(3, 0); push(2, 1); push(3, 2);
        const first = [take(5), take(6)];
        push(2, 7); push(1, 8); push(4, 9);
        return [...first, take(10), take(11)];""",
    )
    assert played == [2, 3, 4, None]


def test_listener_too_far_behind_skips_to_the_newest(page: Page) -> None:
    played = in_queue(
        page,
        """push(1, 0); push(2, 1000); push(3, 2000); push(4, 9000);
        return [take(0), take(16_000), take(16_001), take(16_002)];""",
    )
    assert played == [1, 2, 3, 4]
    played = in_queue(
        page,
        """push(1, 0); push(2, 1000); push(3, 2000); push(4, 9000);
        return [take(0), take(16_001), take(16_002)];""",
    )
    assert played == [1, 4, None]


def test_speech_nobody_could_hear_is_forgotten(page: Page) -> None:
    played = in_queue(
        page,
        """push(1, 0); push(2, 1000); queue.keepNewest();
        const kept = queue.length;
        queue.dropStale(16_001);
        const left = queue.length;
        push(3, 16_001);
        return [kept, left, take(16_001)];""",
    )
    assert played == [1, 0, 3]


def test_new_language_may_count_from_one_again(page: Page) -> None:
    assert in_queue(page, "push(9, 0); take(0); queue.clear(); push(1, 1); return take(1);") == 1


def speech_frame(header: dict[str, Any], audio: bytes) -> str:
    encoded = json.dumps(header, ensure_ascii=False).encode()
    return base64.b64encode(struct.pack(">I", len(encoded)) + encoded + audio).decode()


def tone(seconds: float, rate: int = 24_000) -> bytes:
    count = int(rate * seconds)
    samples = (int(12_000 * math.sin(n * 2 * math.pi * 220 / rate)) for n in range(count))
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(struct.pack(f"<{count}h", *samples))
    return file.getvalue()


READ_FRAME = """(text) => import('/js/listener/speech-frame.js').then(({ readSpeechFrame }) => {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return readSpeechFrame(bytes.buffer);
})"""


def test_speech_frame_is_read(page: Page) -> None:
    header = {"type": "speech", "language": "es-ES", "segment": 2, "visemes": [[0, 0], [12, 21]]}
    frame = page.evaluate_handle(
        READ_FRAME, speech_frame({**header, "note": "añ"}, b"\x01\x02\x03")
    )
    assert frame.evaluate("(frame) => frame.header") == {**header, "note": "añ"}
    assert frame.evaluate("(frame) => [...new Uint8Array(frame.audio)]") == [1, 2, 3]


@pytest.mark.parametrize("broken", [b"", b"\x00", b"\x00\x00\x01\x00{}", b"\x00\x00\x00\x02{]"])
def test_broken_speech_frame_is_refused(page: Page, broken: bytes) -> None:
    text = base64.b64encode(broken).decode()
    error = page.evaluate(f"(text) => ({READ_FRAME})(text).catch((error) => error.name)", text)
    assert error in {"RangeError", "SyntaxError"}


@pytest.fixture
def player(page: Page) -> Page:
    page.mouse.click(5, 5)  # browsers start sound only after a click
    page.evaluate(
        """async () => {
            const { Player } = await import('/js/listener/player.js');
            window.told = [];
            window.player = new Player({
                onSpeech: (header) => told.push(header?.segment ?? null),
                onStateChange: () => {},
            });
            await player.resume();
        }"""
    )
    poll(page, "player.isRunning")
    return page


def enqueue(player: Page, segment: int, audio: bytes) -> None:
    text = speech_frame({"type": "speech", "segment": segment, "visemes": []}, audio)
    frame = player.evaluate_handle(READ_FRAME, text)
    player.evaluate("(frame) => player.enqueue(frame)", frame)


def test_speech_is_played_one_after_the_other(player: Page) -> None:
    enqueue(player, 1, tone(0.6))
    enqueue(player, 2, tone(0.2))
    poll(player, "player.rms > 0.01")
    poll(player, "player.played === 2")
    assert player.evaluate("told") == [1, None, 2, None]
    assert player.evaluate("player.heardMs") is None


def test_speech_that_cannot_be_decoded_is_left_out(player: Page) -> None:
    enqueue(player, 1, b"this is not audio")
    enqueue(player, 2, tone(0.2))
    poll(player, "player.played === 1")
    assert player.evaluate("told") == [2, None]


def test_stop_is_silence_at_once_and_forever(player: Page) -> None:
    longer_than_patience = tone(2 * PATIENCE_S, rate=3000)
    enqueue(player, 1, longer_than_patience)
    enqueue(player, 2, longer_than_patience)
    poll(player, "player.rms > 0.01")
    player.evaluate("player.stop()")
    assert player.evaluate("[told, player.heardMs]") == [[1, None], None]
    poll(player, "player.rms === 0")
    enqueue(player, 1, tone(0.2))
    poll(player, "player.played === 1")
    assert player.evaluate("told") == [1, None, 1, None]


def test_stop_reaches_speech_that_is_still_being_decoded(player: Page) -> None:
    text = speech_frame({"type": "speech", "segment": 1, "visemes": []}, tone(0.2))
    frame = player.evaluate_handle(READ_FRAME, text)
    player.evaluate("(frame) => { player.enqueue(frame); player.stop(); }", frame)
    enqueue(player, 2, tone(0.2))
    poll(player, "player.played === 1")
    assert player.evaluate("told") == [2, None]


def test_heard_follows_the_audio_clock(player: Page) -> None:
    enqueue(player, 1, tone(3))
    poll(player, "player.heardMs > 100")
    first, second = player.evaluate(
        """async () => {
            const first = player.heardMs;
            while (player.heardMs === first) await new Promise((done) => setTimeout(done, 5));
            return [first, player.heardMs];
        }"""
    )
    assert first < second <= 3000


# languages.js, join-code.js, status.js


@pytest.mark.parametrize(
    ("wishes", "code"),
    [
        ([None, "fr-FR"], "fr-FR"),
        (["fr-fr"], "fr-FR"),
        (["es-MX", "fr-FR"], "es-ES"),
        (["pt"], "pt-PT"),
        (["pt-BR"], "pt-BR"),
        (["ja-JP", "zh-CN"], "es-ES"),
        ([], "es-ES"),
    ],
)
def test_best_language(page: Page, wishes: list[str | None], code: str) -> None:
    offered = [{"code": code} for code in ("es-ES", "fr-FR", "pt-PT", "pt-BR")]
    module = "import('/js/listener/languages.js')"
    found = page.evaluate(
        f"([offered, wishes]) => {module}.then((m) => m.bestLanguage(offered, wishes))",
        [offered, wishes],
    )
    assert found == {"code": code}


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("abc", "ABC"),
        ("abcd2345", "ABCD 2345"),
        (" ab-cd 2345 6", "ABCD 2345"),
        ("https://talks.example/listener/wxyz7788/?lang=es-ES", "WXYZ 7788"),
        ("—", ""),
    ],
)
def test_join_code_as_people_type_and_paste_it(page: Page, typed: str, shown: str) -> None:
    module = "import('/js/listener/join-code.js')"
    assert (
        page.evaluate(f"(typed) => {module}.then((m) => m.inGroups(m.joinCodeIn(typed)))", typed)
        == shown
    )


@pytest.mark.parametrize(
    ("code", "problem", "next_step"),
    [
        (4403, {"code": "pin", "message": "Type the PIN."}, "pin"),
        (4403, {"code": "sign_in", "message": "Sign in."}, "sign_in"),
        (4403, {"code": "rehearsal", "message": "Not valid."}, "code"),
        (4404, None, "code"),
        (4410, None, "code"),
        (4400, {"code": "bad_message"}, "retry"),
        (1000, {"code": "unknown_language"}, "language"),
        (1000, None, "retry"),
    ],
)
def test_refusal_says_what_to_do_next(
    page: Page, code: int, problem: dict[str, str] | None, next_step: str
) -> None:
    module = "import('/js/listener/status.js')"
    words = page.evaluate(
        f"([code, problem]) => {module}.then((m) => m.refusalInWords(code, problem))",
        [code, problem],
    )
    assert words["next"] == next_step
    assert words["title"] and words["sentence"]


# reconnecting-socket.js


class Sockets:
    """A WebSocket server that does with each connection what the test says."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/ws/listen/ABCD2345/"
        self.connections = 0


@contextmanager
def sockets(handle: Callable[[int, ServerConnection], None]) -> Iterator[Sockets]:
    """`handle` gets the number of the connection, from 1, and the connection."""

    def accept(connection: ServerConnection) -> None:
        told.connections += 1
        try:
            handle(told.connections, connection)
            for _ in connection:  # until the page goes
                pass
        except ConnectionClosed:
            pass

    with serve(accept, "127.0.0.1", 0) as server:
        told = Sockets(server.socket.getsockname()[1])
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield told
        server.shutdown()
        thread.join()


OPEN_SOCKET = """async ([url, beatTimeoutMs]) => {
    const { ReconnectingSocket } = await import('/js/reconnecting-socket.js');
    Object.assign(window, { states: [], waits: [], messages: [], frames: [] });
    window.socket = new ReconnectingSocket(url, {
        beatTimeoutMs,
        onMessage: (message) => messages.push(message),
        onBinary: (buffer) => frames.push([...new Uint8Array(buffer)]),
        onState: (state, { retryInMs, code }) => {
            states.push(state);
            if (state === 'waiting') waits.push([code, retryInMs]);
        },
    });
    window.sentTooEarly = socket.send({ too: 'early' });
}"""


@pytest.mark.parametrize("code", [1001, 1011, 1012, 1013, 1014, 4408])
def test_lost_connection_is_made_again(page: Page, code: int) -> None:
    def handle(number: int, connection: ServerConnection) -> None:
        if number == 1:
            connection.close(code)

    with sockets(handle) as server:
        page.evaluate(OPEN_SOCKET, [server.url, 0])
        poll(page, "states.length >= 5")
        assert page.evaluate("states") == ["connecting", "open", "waiting", "connecting", "open"]
        [[lost_by, wait_ms]] = page.evaluate("waits")
        assert lost_by == code
        assert 300 <= wait_ms <= (3_000 if code == 1012 else 600)
        page.evaluate("socket.close()")


def test_connection_cut_without_a_word_is_made_again(page: Page) -> None:
    def handle(number: int, connection: ServerConnection) -> None:
        if number == 1:
            connection.socket.shutdown(socket.SHUT_RDWR)

    with sockets(handle) as server:
        page.evaluate(OPEN_SOCKET, [server.url, 0])
        poll(page, "states.filter((state) => state === 'open').length === 2")
        assert page.evaluate("waits[0][0]") == 1006
        page.evaluate("socket.close()")


@pytest.mark.parametrize("code", [1000, 4400, 4403, 4404, 4409, 4410])
def test_refused_connection_is_not_tried_again(page: Page, code: int) -> None:
    def handle(number: int, connection: ServerConnection) -> None:
        if number == 1:
            connection.close(code)

    with sockets(handle) as server:
        page.evaluate(OPEN_SOCKET, [server.url, 0])
        poll(page, "states.includes('closed')")
        # Neither the network coming back nor the page being looked at changes a no.
        page.evaluate("dispatchEvent(new Event('online'))")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        assert page.evaluate("states") == ["connecting", "open", "closed"]
        assert server.connections == 1
        page.evaluate("socket.reconnectNow()")
        poll(page, "states.at(-1) === 'open'")
        assert server.connections == 2
        page.evaluate("socket.close()")


def test_too_many_waits_as_long_as_the_server_says(page: Page) -> None:
    def handle(number: int, connection: ServerConnection) -> None:
        if number == 1:
            problem = {"type": "problem", "code": "too_fast", "fatal": True, "retry_after_s": 2}
            connection.send(json.dumps(problem))
            connection.close(4429)

    with sockets(handle) as server:
        page.evaluate(OPEN_SOCKET, [server.url, 0])
        poll(page, "waits.length === 1")
        page.evaluate("dispatchEvent(new Event('online'))")
        assert page.evaluate("[states.at(-1), waits]") == ["waiting", [[4429, 2000]]]
        poll(page, "states.at(-1) === 'open'")
        page.evaluate("socket.close()")


def test_silence_longer_than_the_beat_counts_as_lost(page: Page) -> None:
    def handle(number: int, connection: ServerConnection) -> None:
        connection.send('{"type":"beat"}')

    with sockets(handle) as server:
        page.evaluate(OPEN_SOCKET, [server.url, 200])
        poll(page, "states.filter((state) => state === 'open').length === 2")
        assert page.evaluate("states.slice(0, 5)") == [
            "connecting",
            "open",
            "waiting",
            "connecting",
            "open",
        ]
        page.evaluate("socket.close()")


def test_network_coming_back_is_tried_at_once(page: Page) -> None:
    def handle(number: int, connection: ServerConnection) -> None:
        if number == 1:
            connection.close(1012)

    with sockets(handle) as server:
        page.evaluate(OPEN_SOCKET, [server.url, 0])
        poll(page, "states.includes('waiting')")
        page.evaluate("dispatchEvent(new Event('online'))")
        poll(page, "states.filter((state) => state === 'open').length === 2")
        assert server.connections == 2
        page.evaluate("socket.close()")


def test_text_and_binary_go_both_ways(page: Page) -> None:
    def handle(number: int, connection: ServerConnection) -> None:
        for received in connection:
            connection.send(received)

    with sockets(handle) as server:
        page.evaluate(OPEN_SOCKET, [server.url, 0])
        poll(page, "states.at(-1) === 'open'")
        assert page.evaluate("sentTooEarly") is False
        page.evaluate("socket.send({ type: 'join' })")
        page.evaluate("socket.sendBinary(new Uint8Array([1, 2, 3]))")
        poll(page, "frames.length === 1")
        assert page.evaluate("[messages, frames]") == [[{"type": "join"}], [[1, 2, 3]]]
        page.evaluate("socket.close()")
        assert page.evaluate("states.at(-1)") == "closed"


def test_waits_grow_and_spread(page: Page) -> None:
    module = "import('/js/reconnecting-socket.js')"
    delays = page.evaluate(
        f"""() => {module}.then(({{ reconnectDelay }}) => [
            [0, 1, 2, 3, 4, 5, 50].map((attempt) => reconnectDelay(1006, attempt, null, 0)),
            [0, 1, 2, 3, 4, 5, 50].map((attempt) => reconnectDelay(1006, attempt, null, 1)),
            reconnectDelay(4429, 9, 12), reconnectDelay(4404, 0, 12),
        ])"""
    )
    shortest, longest = [300] * 7, [600, 1200, 2400, 4800, 9600, 15_000, 15_000]
    assert delays == [shortest, longest, 12_000, None]


def test_a_hall_spreads_wider_after_a_server_has_ended(page: Page) -> None:
    delays = page.evaluate(
        """() => import('/js/reconnecting-socket.js').then(({ reconnectDelay }) => [
            [0, 2, 3, 4].map((attempt) => reconnectDelay(1012, attempt, null, 0)),
            [0, 2, 3, 4].map((attempt) => reconnectDelay(1012, attempt, null, 1)),
        ])"""
    )
    assert delays == [[300] * 4, [3000, 3000, 4800, 9600]]
