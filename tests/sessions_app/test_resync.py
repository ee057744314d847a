"""Replay and what follows it equal a fresh join, whatever is lost on the way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from channels.layers import get_channel_layer
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sessions_app import audience as audience_module
from sessions_app.audience import Audience, Listener
from sessions_app.broadcast import publish_final
from sessions_app.database import in_database
from sessions_app.messages import (
    After,
    Beat,
    FinalCaption,
    Message,
    StateChange,
)
from sessions_app.models import Correction, Event, LiveSession, Translation
from sessions_app.outbox import Frame
from tests.clients import until_stored

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

LANGUAGES = ("es-ES", "fr-FR")
PAGES = 3

pages = st.integers(0, PAGES - 1)
segments = st.integers(0, 30)
step = st.one_of(
    st.tuples(st.just("say"), st.booleans()),
    st.tuples(st.just("correct"), segments, st.booleans()),
    st.tuples(st.just("correct source"), segments, st.booleans()),
    st.tuples(st.just("break off"), pages),
    st.tuples(st.just("come back"), pages),
    st.tuples(st.just("switch"), pages),
    st.tuples(st.just("new session"), st.booleans()),
)


class Page:
    """What a page knows, by the rules of the protocol: the highest seq of each segment."""

    def __init__(self, audience: Audience, event: Event) -> None:
        self._audience = audience
        self._event = event
        self.language = LANGUAGES[0]
        self.session: int | None = None
        self.seq = 0
        self.captions: dict[int, dict[str, Any]] = {}
        self.mistakes: list[str] = []
        self._listener: Listener | None = None
        self._writing: asyncio.Task[None] | None = None
        self._joined = False

    async def come_back(self) -> None:
        if self._listener:
            return
        self._joined = False
        listener = Listener(self._event.pk, invited=False, send=self._take, drop=self._nothing)
        await self._audience.enter(listener)
        self._listener = listener
        self._writing = asyncio.create_task(listener.outbox.write())
        after = After(self.session, self.seq) if self.session else None
        await self._audience.listen(listener, self.language, after, self._joining)

    async def switch(self) -> None:
        self.language = LANGUAGES[1 - LANGUAGES.index(self.language)]
        self.session = None
        if self._listener:
            self._joined = False
            await self._audience.listen(self._listener, self.language, None, self._joining)

    async def break_off(self) -> None:
        if self._listener and self._writing:
            await self._audience.leave(self._listener)
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        self._listener = None

    async def place(self) -> list[int | None]:
        return [self.session, self.seq]

    async def knowledge(self) -> tuple[int, dict[int, dict[str, Any]]]:
        return self.seq, self.captions

    @staticmethod
    def _joining(state: StateChange, seq: int) -> Message:
        return Beat(session=state.session, state="joined", seq=seq)

    def _nothing(self) -> None:
        self.mistakes.append("was closed as too slow")

    async def _take(self, frame: Frame) -> None:
        message = json.loads(frame)
        if message.get("state") == "joined":
            self._joined = True
            self._enter(message["session"])
            self.seq = max(self.seq, message["seq"])
        elif message["type"] == "state":
            self._enter(message["session"])
        elif message["type"] == "caption" and self._joined:
            if (message["session"], message["language"]) != (self.session, self.language):
                self.mistakes.append(f"heard {message} in {self.session} {self.language}")
            known = self.captions.get(message["segment"])
            if known is None or message["seq"] > known["seq"]:
                self.captions[message["segment"]] = message
            self.seq = max(self.seq, message["seq"])

    def _enter(self, session: int | None) -> None:
        if session != self.session:
            self.session, self.seq, self.captions = session, 0, {}


class Talk:
    """An Interpreter's writing, and an organiser's; each publication may get lost."""

    def __init__(self, event: Event) -> None:
        self._event = event
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
            case "new session":
                self.session.end()
                self.session = self._begin()
                return []
            case _:
                return self.correct(number, source=name == "correct source")

    def say(self) -> list[FinalCaption]:
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
        return [FinalCaption.of(Translation.objects.shown().get(pk=row.pk)) for row in rows]

    def correct(self, number: int, *, source: bool) -> list[FinalCaption]:
        count = self.session.segments.count()
        if not count:
            return []
        segment = self.session.segments.get(number=number % count + 1)
        text = f"corrected {Correction.objects.count()}"
        if source:
            segment.correct(text, None)
        else:
            segment.translations.get(language=LANGUAGES[number % 2]).correct(text, None)
        return [FinalCaption.of(row) for row in Translation.objects.shown().filter(segment=segment)]

    def newest_seq(self, language: str) -> int:
        stream = self.session.streams.filter(language=language).first()
        return stream.last_seq if stream else 0


async def play(event: Event, steps: list[tuple[Any, ...]]) -> None:
    audience = Audience.here()
    talk = await in_database(Talk, event)
    everyone = [Page(audience, event) for _ in range(PAGES)]
    for page in everyone:
        await page.come_back()
    for name, *details in steps:
        if name in ("break off", "come back", "switch"):
            await getattr(everyone[details[0]], name.replace(" ", "_"))()
            continue
        for caption in await in_database(talk.act, name, *details[:-1]):
            if details[-1]:
                await publish_final(caption)

    for page in everyone:
        await page.come_back()
    for page in everyone:
        seq = await in_database(talk.newest_seq, page.language)
        newest: list[int | None] = [talk.session.pk, seq]
        await until_stored(page.place, newest)

    for page in everyone:
        fresh = Page(audience, event)
        fresh.language = page.language
        await fresh.come_back()
        await until_stored(fresh.knowledge, await page.knowledge())
        assert page.mistakes == fresh.mistakes == []
        stored = await in_database(talk.session.segments.count)
        assert sorted(fresh.captions) == list(range(1, stored + 1))
        await fresh.break_off()
    for page in everyone:
        await page.break_off()
    layer = get_channel_layer()
    assert layer is not None
    assert layer.groups == {}


@settings(
    max_examples=30,
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
        asyncio.run(play(make_event(*LANGUAGES), steps))
