"""Replay and what follows it equal a fresh join, whatever is lost, late, doubled or slow."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sessions_app import audience as audience_module
from sessions_app import holding
from sessions_app import outbox as outbox_module
from sessions_app import stream as stream_module
from sessions_app.audience import Audience
from sessions_app.broadcast import publish_final, publish_partial, publish_speech
from sessions_app.database import in_database
from sessions_app.listener import Listener
from sessions_app.messages import (
    After,
    Beat,
    FinalCaption,
    Message,
    PartialCaption,
    SpeechHeader,
    StateChange,
)
from sessions_app.models import Correction, Event, LiveSession, Translation
from sessions_app.outbox import Frame
from sessions_app.sockets import TOO_SLOW
from tests.clients import until_stored

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

LANGUAGES = ("es-ES", "fr-FR")
PAGES = 3

pages = st.integers(0, PAGES - 1)
segments = st.integers(0, 30)
fates = st.sampled_from(["in time", "in time", "late", "lost", "doubled"])
step = st.one_of(
    st.tuples(st.just("say"), fates),
    st.tuples(st.just("say much"), st.integers(5, 15), fates),
    st.tuples(st.just("correct"), segments, fates),
    st.tuples(st.just("correct source"), segments, fates),
    st.tuples(st.just("hold"), st.sampled_from([0, 30]), st.just("in time")),
    st.tuples(st.just("drop"), segments, st.just("in time")),
    st.tuples(st.just("restore"), segments, fates),
    st.tuples(st.just("show"), segments, fates),
    st.tuples(st.just("new session"), fates),
    st.tuples(st.just("end session"), fates),
    st.tuples(st.just("late ones come"), st.randoms(use_true_random=False)),
    st.tuples(st.just("break off"), pages),
    st.tuples(st.just("come back"), pages),
    st.tuples(st.just("switch"), pages),
    st.tuples(st.just("stall"), pages),
    st.tuples(st.just("drain"), pages),
    st.tuples(st.just("forget"), pages),
    st.tuples(st.just("a moment"), st.none()),
)


class Page:
    """What a page knows, by the rules of the protocol, and every rule it has seen broken.

    `complete` is the seq up to which nothing is missing; `captions` the highest seq of a segment.
    """

    def __init__(self, audience: Audience, event: Event, language: str = LANGUAGES[0]) -> None:
        self._audience = audience
        self._event = event
        self.language = language
        self.session: int | None = None
        self.complete = 0
        self.captions: dict[int, dict[str, Any]] = {}
        self.mistakes: list[str] = []
        self._came: set[int] = set()
        self._newest = 0
        self._replayed = False
        self._asked = False
        """For a language, and not answered yet: what comes still belongs to the old one."""
        self._listener: Listener | None = None
        self._takes = asyncio.Event()
        self._takes.set()

    async def come_back(self) -> None:
        if self._listener:
            return
        self._came, self._replayed, self._asked = set(), False, True
        listener = Listener(self._event.pk, invited=False, send=self._send, close=self._closed)
        listener.speech = True
        self._listener = listener
        await self._audience.enter(listener)
        after = After(self.session, self.complete) if self.session else None
        await self._audience.listen(listener, self.language, after, self._joining)

    async def switch(self) -> None:
        self.language = LANGUAGES[1 - LANGUAGES.index(self.language)]
        if self._listener:
            self.session, self._asked = None, True
            await self._audience.listen(self._listener, self.language, None, self._joining)
        else:
            self._enter(None)

    async def break_off(self) -> None:
        listener, self._listener = self._listener, None
        if listener:
            self._audience.leave(listener)
            await listener.end()

    async def forget(self) -> None:
        """A page that was closed, and knows nothing any more."""
        await self.break_off()
        self._enter(None)

    async def stall(self) -> None:
        self._takes.clear()

    async def drain(self) -> None:
        self._takes.set()

    async def place(self) -> list[int | None]:
        """Where it is; comes back where it was sent away."""
        await self.come_back()
        return [self.session, self.complete]

    async def knowledge(self) -> tuple[int, dict[int, dict[str, Any]]]:
        return self.complete, self.captions

    @staticmethod
    def _joining(state: StateChange, seq: int) -> Message:
        return Beat(session=state.session, state="joined", seq=seq)

    def _closed(self, code: int) -> None:
        if code != TOO_SLOW:
            self.mistakes.append(f"was closed with {code}")
        if self._listener:
            self._audience.leave(self._listener)
            self._listener = None

    async def _send(self, frame: Frame) -> None:
        listener = self._listener
        await self._takes.wait()
        if listener is self._listener:
            self._take(frame)

    def _take(self, frame: Frame) -> None:
        length = int.from_bytes(frame[:4], "big") if isinstance(frame, bytes) else 0
        message = json.loads(frame[4 : 4 + length] if length else frame)
        if message.get("state") == "joined":
            self._enter(message["session"])
            self._came, self._replayed, self._asked = set(), False, False
        elif self._asked:
            return
        elif message["type"] == "speech":
            self._hear(message)
        elif message["type"] == "replayed":
            self._replayed = True
            self.complete = max(self.complete, message["seq"])
            self._newest = max(self._newest, message["seq"])
        elif message["type"] == "state":
            self._enter(message["session"])
            self._replayed = False
        elif message["type"] == "caption":
            self._read(message)

    def _read(self, message: dict[str, Any]) -> None:
        if (message["session"], message["language"]) != (self.session, self.language):
            self.mistakes.append(f"heard {message} in {self.session} {self.language}")
        if not message["final"]:
            return
        seq = message["seq"]
        if seq in self._came:
            self.mistakes.append(f"{seq} came twice")
        if self._replayed and seq <= self._newest:
            self.mistakes.append(f"{seq} came after {self._newest}")
        self._came.add(seq)
        if self._replayed:
            self._newest = seq
        known = self.captions.get(message["segment"])
        if known is None or seq > known["seq"]:
            self.captions[message["segment"]] = message
        while self.complete + 1 in self._came:
            self.complete += 1

    def _hear(self, header: dict[str, Any]) -> None:
        if (header["session"], header["language"]) != (self.session, self.language):
            self.mistakes.append(f"heard speech of {header}")
        if header["seq"] > max(self.complete, self._newest):
            self.mistakes.append(f"heard {header['seq']} before its caption")

    def _enter(self, session: int | None) -> None:
        if session != self.session or session is None:
            self.session, self.complete, self.captions = session, 0, {}
            self._came, self._newest = set(), 0


class Talk:
    """An Interpreter's writing, and an organiser's; what it publishes may be late, or get lost."""

    def __init__(self, event: Event) -> None:
        self._event = event
        self._operator = User.objects.create_user(f"operator {event.pk}")
        self.session = self._begin()

    def _begin(self) -> LiveSession:
        return LiveSession.go_live(
            self._event.speakers.get(),
            client="tab",
            source_language="en-US",
            rehearsal=False,
            take_over=True,
        )

    def act(self, name: str, number: int = 0) -> list[FinalCaption]:
        """Do what the schedule says; returns what is then to be published."""
        match name:
            case "say":
                return self.say()
            case "say much":
                return [caption for _ in range(number) for caption in self.say()]
            case "hold" | "drop" | "restore" | "show":
                return self.operate(name, number)
            case "new session":
                if self.session.state != "ended":
                    self.session.end()
                self.session = self._begin()
                return []
            case "end session":
                if self.session.state != "ended":
                    self.session.end()
                return []
            case _:
                return self.correct(number, source=name == "correct source")

    def operate(self, name: str, number: int) -> list[FinalCaption]:
        """Do what an operator does to held sentences; returns what is then to be published."""
        match name:
            case "hold":
                holding.hold_for(self.session, number)
                return self.show(1000) if number == 0 else []
            case "show":
                return self.show(number)
            case "restore":
                return self._captions(holding.restore(self.session, self._existing(number)))
        # Listeners may have seen it meanwhile, or nothing was said yet.
        with contextlib.suppress(holding.TooLate):
            holding.drop(self.session, self._existing(number), self._operator)
        return []

    def say(self) -> list[FinalCaption]:
        if self.session.state == "ended":
            return []
        number = self.session.segments.count() + 1
        segment = self.session.finish_segment(
            source_language="en-US",
            text=f"said {number}",
            start_ms=number,
            end_ms=number,
            acked_frame=number,
            acked_samples=number,
        )
        rows = [
            self.session.finish_translation(segment, language, f"{language} {number}")
            for language in LANGUAGES
        ]
        return self._captions(rows)

    def show(self, upto: int) -> list[FinalCaption]:
        return self._captions(holding.show_now(self.session, upto))

    def numbers(self) -> list[int]:
        """The segments that listeners may see."""
        return list(
            self.session.segments.filter(dropped_at=None)
            .order_by("number")
            .values_list("number", flat=True)
        )

    def _existing(self, number: int) -> int:
        return number % (self.session.segments.count() or 1) + 1

    @staticmethod
    def _captions(rows: list[Translation]) -> list[FinalCaption]:
        """Of those rows that are shown."""
        shown = Translation.objects.shown().filter(pk__in=[row.pk for row in rows])
        return [FinalCaption.of(row) for row in shown.order_by("seq")]

    def correct(self, number: int, *, source: bool) -> list[FinalCaption]:
        count = self.session.segments.count()
        if not count:
            return []
        segment = self.session.segments.get(number=self._existing(number))
        text = f"corrected {Correction.objects.count()}"
        if source:
            segment.correct(text, None)
        else:
            segment.translations.get(language=LANGUAGES[number % 2]).correct(text, None)
        return [FinalCaption.of(row) for row in Translation.objects.shown().filter(segment=segment)]

    def newest_seq(self, language: str) -> int:
        stream = self.session.streams.filter(language=language).first()
        return stream.last_seq if stream else 0


async def publish(caption: FinalCaption) -> None:
    """A partial, the final caption, and its speech, as an Interpreter does it."""
    await publish_partial(
        PartialCaption(
            session=caption.session,
            language=caption.language,
            segment=caption.segment,
            stable=caption.text or "",
            tail="",
            source=caption.source,
            source_language="en-US",
        )
    )
    await publish_final(caption)
    header = SpeechHeader(
        session=caption.session,
        language=caption.language,
        segment=caption.segment,
        seq=caption.seq,
        mime="audio/mpeg",
        duration_ms=1,
        visemes=[],
    )
    await publish_speech(header, b"sound")


async def meet(captions: list[FinalCaption], fate: str) -> list[FinalCaption]:
    """Publish these or not; returns those that come later."""
    for caption in captions if fate in ("in time", "doubled") else ():
        for _ in range(1 + (fate == "doubled")):
            await publish(caption)
    return captions if fate == "late" else []


async def play(event: Event, steps: list[tuple[Any, ...]]) -> None:
    audience = Audience.here()
    talk = await in_database(Talk, event)
    everyone = [Page(audience, event) for _ in range(PAGES)]
    late: list[FinalCaption] = []
    for page in everyone:
        await page.come_back()
    for name, *details in steps:
        if name in ("break off", "come back", "switch", "stall", "drain", "forget"):
            await getattr(everyone[details[0]], name.replace(" ", "_"))()
        elif name == "late ones come":
            details[0].shuffle(late)
            for caption in late:
                await publish(caption)
            late.clear()
        elif name == "a moment":
            await asyncio.sleep(0.02)
        else:
            late += await meet(await in_database(talk.act, name, *details[:-1]), details[-1])

    await in_database(talk.show, 1000)
    for page in everyone:
        await page.drain()
        await page.come_back()
    for page in everyone:
        seq = await in_database(talk.newest_seq, page.language)
        newest: list[int | None] = [talk.session.pk, seq]
        await until_stored(page.place, newest)

    for page in everyone:
        fresh = Page(audience, event, page.language)
        await fresh.come_back()
        seq, captions = await page.knowledge()
        last = sorted(captions)[-stream_module.REPLAYED_SEGMENTS :]
        await until_stored(fresh.knowledge, (seq, {number: captions[number] for number in last}))
        assert page.mistakes == fresh.mistakes == []
        seen = await in_database(talk.numbers)
        assert sorted(fresh.captions) == seen[len(seen) - len(last) :]
        await fresh.break_off()
    for page in everyone:
        await page.break_off()


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),  # a failure waits long; shrinking it would for hours
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(step, min_size=5, max_size=40))
def test_replay_and_live_equal_a_fresh_join(
    make_event: Callable[..., Event], steps: list[tuple[Any, ...]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audience_module, "COMPARE_EVERY_S", 0.05)
        patch.setattr(audience_module, "LINGER_S", 0.0)
        # Small enough that a schedule goes beyond each of them.
        patch.setattr(stream_module, "KEPT_FINALS", 12)
        patch.setattr(stream_module, "REPLAYED_SEGMENTS", 8)
        patch.setattr(outbox_module, "MOST_FRAMES", 20)
        asyncio.run(play(make_event(*LANGUAGES), steps))
