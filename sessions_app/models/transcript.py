"""Live sessions and what was said in them.

Machine text is written once and never changed; what people correct stands beside it. Every write
happens under the lock of the session's row, which makes numbers of segments and captions gapless.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.utils import timezone

from sessions_app.models.event import Event, Speaker

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SPEAKER_GONE_AFTER = timedelta(seconds=30)
"""A speaker whose connection is gone for this long is paused."""
PAUSED_ENDS_AFTER = timedelta(hours=2)
"""A paused session whose speaker does not come back for this long has ended."""
FINISHED_WITHIN = timedelta(seconds=30)
"""Who finishes what a stopped session lacks says so every second; after this long it has died."""
_SWEEP_GRACE = timedelta(seconds=10)  # the process that holds the speaker goes first
_WATCHED_WITHOUT_GAP = timedelta(seconds=10)
_SEEN_LATELY = timedelta(seconds=15)


class SpeakerBusy(Exception):
    """Somebody else speaks at this event now."""


class EventClosed(Exception):
    """The organiser has closed the event."""


class RehearsalFixed(Exception):
    """A running session cannot be turned into a rehearsal, nor a rehearsal into the real thing."""


class Superseded(Exception):
    """Another connection has taken this session over, or it has ended: nothing may be stored."""


class State(models.TextChoices):
    LIVE = "live", "live"
    PAUSED = "paused", "paused"
    ENDED = "ended", "ended"


@dataclass(frozen=True, slots=True)
class _Sign:
    """A speaker's newest sign of life, and when this process first saw it (its own clock, in s)."""

    seen_at: datetime
    first_seen: float


class SpeakerWatch:
    """Which speakers have given no sign of life while this process watched.

    Only what was watched without a gap counts. While the database is away nobody can give a sign of
    life, and who stands still sees none: that makes nobody vanish, nor does a clock set anew.
    """

    def __init__(self) -> None:
        self._signs: dict[int, _Sign] = {}
        self._looked = float("-inf")
        self._lock = threading.Lock()

    def vanished(self, signs: Mapping[int, datetime]) -> set[int]:
        """Take in each live session's `seen_at`; returns those whose speaker is gone."""
        with self._lock:
            now = monotonic()
            if now - self._looked > _WATCHED_WITHOUT_GAP.total_seconds():
                self._signs = {}
            self._looked = now
            known, self._signs = self._signs, {}
            for session, seen_at in signs.items():
                sign = known.get(session)
                if sign is None or sign.seen_at != seen_at:
                    sign = _Sign(seen_at, now)
                self._signs[session] = sign
            patience = (SPEAKER_GONE_AFTER + _SWEEP_GRACE).total_seconds()
            return {pk for pk, sign in self._signs.items() if now - sign.first_seen > patience}


_watch = SpeakerWatch()


class LiveSession(models.Model):
    """One run of an event, from going live to its end.

    `epoch` rises with every claim; storing with an older one raises Superseded. `acked_frame` and
    `acked_samples` say up to where the speaker's audio is stored speech or silence. Session time
    is audio time (16 000 samples a second) plus `paused_ms`.
    """

    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="live_sessions")
    speaker = models.ForeignKey(
        Speaker, on_delete=models.SET_NULL, null=True, blank=True, related_name="live_sessions"
    )
    rehearsal = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.LIVE)
    epoch = models.PositiveIntegerField(default=1)
    client = models.CharField(max_length=100)
    source_language = models.CharField(max_length=35)
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_ms = models.BigIntegerField(default=0)
    ended_at = models.DateTimeField(null=True, blank=True)
    acked_frame = models.BigIntegerField(default=-1)
    acked_samples = models.BigIntegerField(default=0)
    backend = models.CharField(max_length=20, blank=True)
    wanted = models.CharField(
        max_length=10,
        choices=[(State.PAUSED, "paused"), (State.ENDED, "ended")],
        blank=True,
        editable=False,
        help_text="What an operator wants of the process that listens to the speaker.",
    )
    hold_s = models.PositiveSmallIntegerField(
        "seconds held",
        default=0,
        editable=False,
        help_text="How long an operator may look at a sentence before anyone sees it.",
    )
    finish_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When to look, once it is not live, whether captions are missing.",
    )

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["event"], condition=~Q(state="ended"), name="event_runs_once_at_a_time"
            ),
            models.CheckConstraint(condition=Q(state__in=State.values), name="session_state_known"),
            models.CheckConstraint(
                condition=Q(state="ended", ended_at__isnull=False)
                | (~Q(state="ended") & Q(ended_at__isnull=True)),
                name="session_ended_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(state="paused", paused_at__isnull=False)
                | (~Q(state="paused") & Q(paused_at__isnull=True)),
                name="session_paused_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(acked_frame__gte=-1, acked_samples__gte=0, paused_ms__gte=0),
                name="session_counts_not_negative",
            ),
        ]

    def __str__(self) -> str:
        kind = "Rehearsal" if self.rehearsal else "Session"
        return f"{kind} of {self.event}, {self.started_at:%Y-%m-%d %H:%M}"

    @classmethod
    def go_live(
        cls,
        speaker: Speaker,
        *,
        client: str,
        source_language: str,
        rehearsal: bool,
        take_over: bool,
        backend: str = "",
    ) -> LiveSession:
        """Claim the event's running session, or begin one; `backend` is what it then costs.

        Raises EventClosed, RehearsalFixed, or SpeakerBusy where another client holds the session
        and `take_over` is false. An end that an operator has ordered is still to be carried out.
        """
        now = timezone.now()
        with transaction.atomic():
            event = Event.objects.select_for_update().get(pk=speaker.event_id)
            if event.closed_at:
                raise EventClosed
            session = event.live_sessions.select_for_update().exclude(state=State.ENDED).first()
            if session and session.seen_at < now - PAUSED_ENDS_AFTER:
                session._end(now)  # nobody was here to see it end
                session = None
            if session is None:
                return cls.objects.create(
                    event=event,
                    speaker=speaker,
                    rehearsal=rehearsal,
                    client=client,
                    source_language=source_language,
                    backend=backend,
                    hold_s=event.hold_s,
                )
            if session.rehearsal != rehearsal:
                raise RehearsalFixed
            # A process that died with nobody watching leaves a session live.
            gone = session.seen_at < now - SPEAKER_GONE_AFTER - _SEEN_LATELY
            held = session.seen_at > now - _SEEN_LATELY or (
                session.state == State.LIVE and not gone
            )
            if session.client != client and held and not take_over:
                raise SpeakerBusy
            session._end_pause(now)
            session.state = State.LIVE
            session.epoch += 1
            session.speaker, session.client = speaker, client
            session.source_language = source_language
            session.backend = backend
            session.seen_at = now
            if session.wanted == State.PAUSED:
                session.wanted = ""
            session.save()
            return session

    def order(self, state: State) -> None:
        """Have it paused or ended, whichever process holds its speaker; in a second it is.

        Where nobody is listened to, it ends at once.
        """
        with transaction.atomic():
            current = LiveSession.objects.select_for_update().get(pk=self.pk)
            if current.state == State.LIVE:
                current.wanted = state
                current.save(update_fields=["wanted"])
            elif current.state == State.PAUSED and state == State.ENDED:
                current.epoch += 1
                current._end(timezone.now())

    def pause(self) -> None:
        """Stop listening; the same or another client resumes with `go_live`. Raises Superseded."""
        with transaction.atomic():
            self._lock()
            if self.state == State.LIVE:
                self._pause(timezone.now())

    def end(self) -> None:
        """End the live session. Raises Superseded."""
        with transaction.atomic():
            self._lock()
            self._end(timezone.now())

    def withdraw(self) -> None:
        """Undo a claim that came to nothing: nobody could be listened to. Raises Superseded."""
        with transaction.atomic():
            self._lock()
            if self.epoch == 1 and not self.segments.exists():
                self.delete()
            elif self.state == State.LIVE:
                self._pause(timezone.now())

    def touch(self) -> bool:
        """Say that the speaker's connection lives; False where the session has moved on."""
        rows = LiveSession.objects.filter(pk=self.pk, epoch=self.epoch).exclude(state=State.ENDED)
        return bool(rows.update(seen_at=timezone.now()))

    @classmethod
    def to_finish(cls) -> models.QuerySet[LiveSession]:
        """Sessions that nobody interprets, in which captions may be missing."""
        return cls.objects.exclude(state=State.LIVE).filter(finish_at__lte=timezone.now())

    @classmethod
    def claim_to_finish(cls, pk: int, languages: Collection[str]) -> LiveSession | None:
        """Claim a session of `to_finish`, to store its missing captions in these languages.

        None where there are none, or somebody else was faster. To be kept by `keep_finishing`.
        """
        with transaction.atomic():
            session = cls.to_finish().select_for_update().filter(pk=pk).first()
            if session is None:
                return None
            if session._lacks_any(languages):
                session.epoch += 1
                session.finish_at = timezone.now() + FINISHED_WITHIN
            else:
                session.finish_at = None
            session.save(update_fields=["epoch", "finish_at"])
            return session if session.finish_at else None

    def keep_finishing(self) -> None:
        """Say that who has claimed it to finish it still lives."""
        self._claimed_to_finish().update(finish_at=timezone.now() + FINISHED_WITHIN)

    def put_off_finishing(self) -> None:
        """It could not be finished here: leave it to whoever looks next, a while from now."""
        later = timezone.now() + FINISHED_WITHIN
        LiveSession.to_finish().filter(pk=self.pk).update(finish_at=later)

    def say_finished(self) -> None:
        """Nothing is missing any more, unless something has been brought back meanwhile."""
        self._claimed_to_finish().update(finish_at=None)

    def _claimed_to_finish(self) -> models.QuerySet[LiveSession]:
        # What is to be looked at anew has a time that is not in the future.
        rows = LiveSession.objects.filter(pk=self.pk, epoch=self.epoch)
        return rows.filter(finish_at__gt=timezone.now())

    def _lacks_any(self, languages: Collection[str]) -> bool:
        """Whether a sentence has no caption in one of these languages, not even a failed one."""
        said = self.segments.filter(dropped_at=None)
        return any(
            said.exclude(
                pk__in=self.translations.filter(language=language).values("segment")
            ).exists()
            for language in languages
        )

    def set_source_language(self, code: str) -> None:
        """What is spoken from now on. Raises Superseded."""
        with transaction.atomic():
            self._lock()
            self.source_language = code
            self.save(update_fields=["source_language"])

    def acknowledge(self, frame: int, samples: int) -> None:
        """Everything up to this frame was silence or is stored. Raises Superseded."""
        with transaction.atomic():
            self._lock()
            self._acknowledge(frame, samples)

    def finish_segment(
        self,
        *,
        source_language: str,
        text: str,
        start_ms: int,
        end_ms: int,
        acked_frame: int,
        acked_samples: int,
        number: int | None = None,
        final_ms: int | None = None,
        confidence: float | None = None,
    ) -> Segment:
        """Store what was said and how far the audio is dealt with, as one. Raises Superseded.

        Its captions wait for `hold_s`. With the `number` it should get, storing it again changes
        nothing: a connection that broke may have hidden that the first try succeeded.
        """
        with transaction.atomic():
            self._lock()
            stored = self.segments.filter(number=number).first() if number else None
            if stored:
                return stored
            last = self.segments.order_by("-number").values_list("number", flat=True).first() or 0
            hold = timedelta(seconds=self.hold_s)
            segment = self.segments.create(
                number=last + 1,
                source_language=source_language,
                text=text,
                start_ms=start_ms,
                end_ms=end_ms,
                confidence=confidence,
                final_ms=final_ms,
                held_until=timezone.now() + hold if hold else None,
            )
            self._acknowledge(acked_frame, acked_samples)
            return segment

    def finish_translation(
        self, segment: Segment, language: str, text: str | None, *, caption_ms: int | None = None
    ) -> Translation:
        """Store a segment's text in a language; None where it failed, which a later text mends.

        It has no seq yet where it is held, waits behind one that is, or was dropped. Storing again
        what is already there changes nothing. Raises Superseded, also where the session has ended
        since it was claimed.
        """
        with transaction.atomic():
            self._lock(even_ended=self.state == State.ENDED)
            translation = segment.translations.filter(language=language).first()
            if translation is None:
                translation = Translation(segment=segment, session=self, language=language)
            elif text is None or translation.text is not None:
                return translation
            translation.text, translation.caption_ms = text, caption_ms
            if translation.seq or not self._waits(segment, language):
                translation.seq = CaptionStream.next_seq(self, language)
            translation.save()
            return translation

    def _waits(self, segment: Segment, language: str) -> bool:
        """Whether an operator still has this caption, or one before it, in their hands."""
        segment.refresh_from_db(fields=["held_until", "dropped_at"])
        earlier = self.translations.filter(
            language=language,
            seq=None,
            segment__number__lt=segment.number,
            segment__dropped_at=None,
        )
        return segment.is_held or segment.dropped_at is not None or earlier.exists()

    def put_beside(self, corrections: Sequence[Correction]) -> list[Correction]:
        """Store new corrections of this session, many at once.

        Each caption they change takes its stream's next seq: one that corrects what was spoken
        changes the captions of every language.
        """
        with transaction.atomic():
            LiveSession.objects.select_for_update().get(pk=self.pk)
            self.give_seqs(
                Translation.objects.changed_by(corrections)
                .exclude(seq=None)
                .order_by("segment__number", "pk")
            )
            return Correction.objects.bulk_create(corrections)

    def give_seqs(self, captions: Iterable[Translation]) -> list[Translation]:
        """Give each caption its stream's next seq, in this order, and store it.

        The caller holds the row's lock.
        """
        changed = list(captions)
        newest = {
            language: CaptionStream.next_seq(self, language, count)
            for language, count in Counter(row.language for row in changed).items()
        }
        for row in reversed(changed):
            row.seq = newest[row.language]
            newest[row.language] -= 1
        Translation.objects.bulk_update(changed, ["seq"])
        return changed

    @classmethod
    def sweep(cls) -> list[LiveSession]:
        """Pause or end what a vanished speaker left behind; returns the sessions that changed.

        To be called every few seconds: see `SpeakerWatch`. The process that holds a speaker does
        this itself, more gently; this mends what a dead process could not.
        """
        live = dict(cls.objects.filter(state=State.LIVE).values_list("pk", "seen_at"))
        vanished = _watch.vanished(live)
        gone = Q(pk__in=vanished, state=State.LIVE)
        over = Q(state=State.PAUSED) & (
            Q(seen_at__lt=timezone.now() - PAUSED_ENDS_AFTER) | Q(wanted=State.ENDED)
        )
        if not vanished and not cls.objects.filter(over).exists():
            return []
        changed: list[LiveSession] = []
        with transaction.atomic():
            for session in cls.objects.select_for_update().filter(gone | over):
                if session.state == State.PAUSED:
                    session.epoch += 1
                    session._end(timezone.now())
                elif session.seen_at == live[session.pk]:
                    session.epoch += 1
                    session._pause(session.seen_at)
                else:
                    continue
                changed.append(session)
        return changed

    def _lock(self, *, even_ended: bool = False) -> None:
        """Take the row's lock and its newest values; the epoch must still be ours."""
        current = LiveSession.objects.select_for_update().filter(pk=self.pk).first()
        if current is None or current.epoch != self.epoch:
            raise Superseded
        if current.state == State.ENDED and not even_ended:
            raise Superseded
        for field in self._meta.concrete_fields:
            setattr(self, field.attname, getattr(current, field.attname))

    def _acknowledge(self, frame: int, samples: int) -> None:
        if frame > self.acked_frame:
            self.acked_frame, self.acked_samples = frame, samples
            self.save(update_fields=["acked_frame", "acked_samples"])

    def _end_pause(self, now: datetime) -> None:
        if self.paused_at:
            self.paused_ms += max(0, round((now - self.paused_at).total_seconds() * 1000))
            self.paused_at = None

    def _pause(self, now: datetime) -> None:
        self.state, self.paused_at, self.finish_at = State.PAUSED, now, timezone.now()
        if self.wanted == State.PAUSED:
            self.wanted = ""
        self.save()

    def _end(self, now: datetime) -> None:
        self._end_pause(now)
        self.state, self.ended_at, self.wanted = State.ENDED, now, ""
        self.finish_at = now
        self.save()


class Segment(models.Model):
    """One stretch of recognised speech; times are milliseconds of session time."""

    session = models.ForeignKey(LiveSession, on_delete=models.CASCADE, related_name="segments")
    number = models.PositiveIntegerField()
    source_language = models.CharField(max_length=35)
    text = models.TextField()
    start_ms = models.PositiveBigIntegerField()
    end_ms = models.PositiveBigIntegerField()
    confidence = models.FloatField(
        null=True,
        blank=True,
        help_text="How sure recognition was, 0 to 1; empty where it does not say.",
    )
    final_ms = models.PositiveIntegerField(
        null=True,
        blank=True,
        editable=False,
        help_text="From the arrival of its last audio to its text being known.",
    )
    held_until = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="Nobody sees its captions before that, unless an operator shows them.",
    )
    dropped_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When an operator dropped it: listeners have never seen it.",
    )
    dropped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["session", "number"]
        constraints = [
            models.UniqueConstraint(fields=["session", "number"], name="segment_number_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="segment_number_from_one"),
            models.CheckConstraint(
                condition=Q(end_ms__gte=F("start_ms")), name="segment_ends_after_it_starts"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.text[:80]}"

    @property
    def is_held(self) -> bool:
        """Whether its captions wait until an operator's time is over."""
        return self.held_until is not None and self.held_until > timezone.now()

    def correct(self, text: str, author: User | None) -> Correction:
        """Put a person's text beside what was recognised; every language's caption shows it."""
        (stored,) = self.session.put_beside([Correction(segment=self, text=text, author=author)])
        return stored


class TranslationQuerySet(models.QuerySet["Translation"]):
    def changed_by(self, corrections: Sequence[Correction]) -> Self:
        """Those whose captions show at least one of these corrections."""
        own = [one.translation_id for one in corrections if one.translation_id]
        spoken = [one.segment_id for one in corrections if not one.translation_id]
        return self.filter(Q(pk__in=own) | Q(segment__in=spoken))

    def shown(self) -> Self:
        """What listeners may see, in spoken order.

        With `corrected_text` and `corrected_source`, the newest corrections.
        """
        newest = Correction.objects.order_by("-pk").values("text")
        return (
            self.exclude(seq=None)
            .select_related("segment")
            .annotate(
                corrected_text=Subquery(newest.filter(translation=OuterRef("pk"))[:1]),
                corrected_source=Subquery(
                    newest.filter(segment=OuterRef("segment"), translation=None)[:1]
                ),
            )
            .order_by("segment__number")
        )


class Translation(models.Model):
    """A segment's machine text in one language, and the number of its newest version.

    Where the language is the one spoken, it is what was recognised. `text` is None where the
    translation failed. `seq` counts finals and corrections per session and language, from 1; it is
    None until the caption is shown to listeners. `caption_ms` and `speech_ms` are how long after
    the arrival of the phrase's last audio its text was there, and its speech was sent; the time it
    was held is not in them.
    """

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="translations")
    session = models.ForeignKey(LiveSession, on_delete=models.CASCADE, related_name="translations")
    language = models.CharField(max_length=35)
    text = models.TextField(null=True)  # noqa: DJ001 (None: failed; "": nothing to say)
    seq = models.PositiveIntegerField(null=True, blank=True)
    caption_ms = models.PositiveIntegerField(null=True, blank=True, editable=False)
    speech_ms = models.PositiveIntegerField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = TranslationQuerySet.as_manager()

    class Meta:
        ordering = ["session", "language", "seq"]
        constraints = [
            models.UniqueConstraint(
                fields=["segment", "language"], name="translation_once_per_language"
            ),
            models.UniqueConstraint(
                fields=["session", "language", "seq"], name="translation_seq_once"
            ),
            models.CheckConstraint(condition=Q(seq__gte=1), name="translation_seq_from_one"),
        ]
        indexes = [
            models.Index(
                fields=["session"], condition=Q(seq__isnull=True), name="translation_not_shown"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.language} {self.seq}: {(self.text or '—')[:80]}"

    def correct(self, text: str, author: User | None) -> Correction:
        """Put a person's text beside the machine's; listeners see it under a new seq."""
        correction = Correction(
            segment_id=self.segment_id, translation=self, text=text, author=author
        )
        (stored,) = self.session.put_beside([correction])
        self.refresh_from_db(fields=["seq"])
        return stored


class CaptionStream(models.Model):
    """The last seq given out in one language of one session, and what its voice has spoken."""

    session = models.ForeignKey(LiveSession, on_delete=models.CASCADE, related_name="streams")
    language = models.CharField(max_length=35)
    last_seq = models.PositiveIntegerField(default=0)
    spoken_characters = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session", "language"], name="stream_once_per_language"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.language} of session {self.session_id}: {self.last_seq}"

    @classmethod
    def next_seq(cls, session: LiveSession, language: str, count: int = 1) -> int:
        """The next number, or the last of the next `count`.

        The caller holds the session's row lock until they are stored.
        """
        stream, _ = cls.objects.select_for_update().get_or_create(
            session=session, language=language
        )
        stream.last_seq += count
        stream.save(update_fields=["last_seq"])
        return stream.last_seq

    @classmethod
    def spoken(cls, session: int) -> dict[str, int]:
        """Characters synthesised so far, by language."""
        return dict(
            cls.objects.filter(session=session).values_list("language", "spoken_characters")
        )

    @classmethod
    def count_spoken(cls, session: int, language: str, characters: int) -> None:
        """Store how much was synthesised in all in this language, which a service may charge for.

        Counting the same again changes nothing.
        """
        cls.objects.filter(
            session=session, language=language, spoken_characters__lt=characters
        ).update(spoken_characters=characters)


class ReviewState(models.TextChoices):
    """How far people have gone through one language of a transcript."""

    MACHINE = "machine", "machine text"
    IN_REVIEW = "in_review", "in review"
    REVIEWED = "reviewed", "reviewed"


class LanguageReview(models.Model):
    """Who has said what of the review of one language of a session; no row: machine text."""

    session = models.ForeignKey(LiveSession, on_delete=models.CASCADE, related_name="reviews")
    language = models.CharField(max_length=35)
    state = models.CharField(max_length=10, choices=ReviewState.choices)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["session", "language"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "language"], name="review_once_per_language"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ReviewState.values), name="review_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.language} of session {self.session_id}: {self.state}"


class Correction(models.Model):
    """A text beside a translation's, or beside what was recognised where `translation` is None.

    The newest is shown. It is a person's, unless `machine`: then the machine has translated again
    what a person corrected, or its own text was brought back. `author` is whose wish it was;
    `undoes` the correction that was taken back by it.
    """

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="corrections")
    translation = models.ForeignKey(
        Translation, on_delete=models.CASCADE, null=True, blank=True, related_name="corrections"
    )
    text = models.TextField()
    machine = models.BooleanField(
        default=False, help_text="The text is the machine's: translated again, or brought back."
    )
    undoes = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.text[:80]
