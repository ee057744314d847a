"""Events: what an organiser schedules, who is invited to speak, and the event's own words."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from sessions_app.models.catalogue import Avatar, Language, Voice

if TYPE_CHECKING:
    from sessions_app.models.transcript import LiveSession

JOIN_CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""No 0/O and 1/I/L, which people misread from a screen."""
JOIN_CODE_LENGTH = 8


def new_join_code() -> str:
    return "".join(secrets.choice(JOIN_CODE_ALPHABET) for _ in range(JOIN_CODE_LENGTH))


def clean_join_code(code: str) -> str:
    """A join code as it is stored, from what a person may type."""
    return "".join(character for character in code.upper() if character.isalnum())


def new_rehearsal_key() -> str:
    return secrets.token_urlsafe(12)


def new_speaker_token() -> str:
    return secrets.token_urlsafe(32)


class Access(models.TextChoices):
    """Who may listen."""

    OPEN = "open", "everyone who has the link or the join code"
    PIN = "pin", "those who also know a PIN"
    SIGNED_IN = "signed_in", "signed-in people only"


class Door(NamedTuple):
    """What a listener has to pass: an event's access, and its PIN where that counts."""

    access: str
    pin: str

    def lets_stay(self, passed: Door) -> bool:
        """Whether who came in through the other door need not come in anew."""
        return self.access == Access.OPEN or self == passed


MOST_HELD_S = 30
"""Whoever listens to a voice that is further behind than this hears another talk."""

ALWAYS_OPEN = Door(Access.OPEN, "")


class Event(models.Model):
    """Something people gather for. Its join code stays the same through every live session."""

    title = models.CharField(max_length=200)
    starts_at = models.DateTimeField(null=True, blank=True)
    duration_min = models.PositiveSmallIntegerField(
        "planned minutes",
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(24 * 60)],
        help_text="For calendars, the estimate of costs and overlaps; nothing ends by itself.",
    )
    access = models.CharField(
        "who may listen", max_length=10, choices=Access.choices, default=Access.OPEN
    )
    pin = models.CharField(
        "PIN",
        max_length=12,
        blank=True,
        help_text="4 to 12 letters or digits, to be told to listeners beside the join code.",
        validators=[RegexValidator(r"^[0-9A-Za-z]{4,12}$", "Use 4 to 12 letters or digits.")],
    )
    join_code = models.CharField(
        max_length=JOIN_CODE_LENGTH, unique=True, default=new_join_code, editable=False
    )
    rehearsal_key = models.CharField(max_length=40, default=new_rehearsal_key, editable=False)
    source_languages = models.ManyToManyField(
        Language, related_name="spoken_at", verbose_name="spoken languages"
    )
    target_languages = models.ManyToManyField(
        Language, through="EventLanguage", related_name="translated_at"
    )
    avatar = models.ForeignKey(Avatar, on_delete=models.PROTECT, related_name="events")
    video_seats = models.PositiveSmallIntegerField(
        default=0,
        help_text="How many listeners at most see a video avatar at the same time. Each is paid "
        "by the minute; everybody else sees the drawn avatar, and so do all where this is 0.",
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="events",
    )
    hold_s = models.PositiveSmallIntegerField(
        "hold captions for",
        default=0,
        validators=[MaxValueValidator(MOST_HELD_S)],
        help_text="Seconds, 30 at most, in which an operator can fix or drop a sentence in the "
        "control room before anyone sees it; voices come as much later. 0: nothing is held. It "
        "counts from the next start on; the control room changes it at once.",
    )
    notice = models.CharField(
        max_length=300,
        blank=True,
        editable=False,
        help_text="What the organiser tells every listener now; empty: nothing.",
    )
    closed_at = models.DateTimeField(
        null=True, blank=True, help_text="From then on nobody can go live at this event."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-starts_at", "-created_at"]
        constraints = [
            models.CheckConstraint(condition=~Q(title=""), name="event_has_a_title"),
            models.CheckConstraint(
                condition=Q(access__in=Access.values), name="event_access_known"
            ),
            models.CheckConstraint(
                condition=~Q(access="pin") | ~Q(pin=""), name="event_with_pin_has_one"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("listener", args=[self.join_code])

    def clean(self) -> None:
        if self.access == Access.PIN and not self.pin:
            raise ValidationError({"pin": "Write the PIN that listeners shall type."})

    @property
    def status(self) -> str:
        """`open` or `closed`."""
        return "closed" if self.closed_at else "open"

    @classmethod
    def with_join_code(cls, code: str) -> Event | None:
        """The event with this join code, as a person may type it."""
        cleaned = clean_join_code(code)
        if len(cleaned) != JOIN_CODE_LENGTH:
            return None
        return cls.objects.select_related("avatar").filter(join_code=cleaned).first()

    @property
    def ends_at(self) -> datetime | None:
        """When it is planned to end."""
        return self.starts_at and self.starts_at + timedelta(minutes=self.duration_min)

    @property
    def door(self) -> Door:
        """What a listener has to pass now."""
        return Door(self.access, self.pin if self.access == Access.PIN else "")

    def pin_is(self, pin: str) -> bool:
        """Whether this is the PIN, however it is capitalised."""
        return hmac.compare_digest(self.pin.upper().encode(), pin.strip().upper().encode())

    def rehearsal_key_is(self, key: str) -> bool:
        return hmac.compare_digest(self.rehearsal_key.encode(), key.encode())

    def offered_languages(self) -> list[Language]:
        """What a listener may choose: the target languages, then the spoken ones."""
        targets = list(self.target_languages.order_by("name"))
        spoken = self.source_languages.exclude(pk__in=[language.pk for language in targets])
        return [*targets, *spoken.order_by("name")]

    def avatar_for(self, language_code: str) -> Avatar:
        """The language's own avatar, or the event's."""
        return self.own_avatars().get(language_code, self.avatar)

    def own_avatars(self) -> dict[str, Avatar]:
        """By language code, the avatars of languages that do not show the event's."""
        rows = self.languages.filter(avatar__isnull=False).select_related("language", "avatar")
        return {row.language.code: row.avatar for row in rows if row.avatar}

    def muted_languages(self) -> frozenset[str]:
        """Codes of the target languages in which nothing is to be heard now."""
        return frozenset(self.languages.filter(muted=True).values_list("language__code", flat=True))

    def running_session(self) -> LiveSession | None:
        """The live session that has not ended, if there is one."""
        return self.live_sessions.exclude(state="ended").first()


class EventLanguage(models.Model):
    """A language an event is translated into, with its voice and, if wanted, its own avatar."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="languages")
    language = models.ForeignKey(Language, on_delete=models.PROTECT, related_name="+")
    voice = models.ForeignKey(
        Voice,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: the first voice the speech service has in this language.",
    )
    avatar = models.ForeignKey(
        Avatar,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: the event's avatar.",
    )
    muted = models.BooleanField(
        default=False,
        help_text="Captions only: nothing is spoken in this language until you unmute it.",
    )

    class Meta:
        ordering = ["language__name"]
        verbose_name = "target language"
        constraints = [
            models.UniqueConstraint(
                fields=["event", "language"], name="event_translates_a_language_once"
            ),
        ]

    def __str__(self) -> str:
        return str(self.language)

    def clean(self) -> None:
        if self.voice and self.language_id and self.voice.language_id != self.language_id:
            raise ValidationError({"voice": f"{self.voice.name} does not speak {self.language}."})


class Role(models.TextChoices):
    """What a person may do at an event that belongs to somebody else."""

    ORGANISER = "organiser", "organiser: everything the owner may"
    REVIEWER = "reviewer", "reviewer: read, correct and export its transcripts"
    OPERATOR = "operator", "operator: run it from the control room"


class EventMember(models.Model):
    """A person who helps at an event, and as what."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=10, choices=Role.choices)

    class Meta:
        ordering = ["event", "role", "user"]
        verbose_name = "person"
        verbose_name_plural = "people"
        constraints = [
            models.UniqueConstraint(fields=["event", "user", "role"], name="member_once_per_role"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="member_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.role} of {self.event}"


class Speaker(models.Model):
    """An invitation to speak at an event: a name and a secret link that can be revoked."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="speakers")
    name = models.CharField(max_length=120)
    token = models.CharField(max_length=64, default=new_speaker_token, editable=False)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    consented_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When the speaker agreed to be recorded as text and translated.",
    )
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["event", "name"]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="speaker_has_a_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} at {self.event}"

    def save(self, **kwargs: object) -> None:
        self.token_digest = hashlib.sha256(self.token.encode()).hexdigest()
        super().save(**kwargs)  # type: ignore[arg-type]

    def get_absolute_url(self) -> str:
        return reverse("speaker", args=[self.token])

    @classmethod
    def with_token(cls, token: str) -> Speaker | None:
        """The speaker with this link, revoked or not.

        The row is found by a digest, so that the time a look-up takes tells nothing of a token.
        """
        digest = hashlib.sha256(token.encode()).hexdigest()
        speaker = cls.objects.select_related("event__avatar").filter(token_digest=digest).first()
        if speaker and hmac.compare_digest(speaker.token.encode(), token.encode()):
            return speaker
        return None

    def revoke(self) -> None:
        """Make the link useless; its open sockets are closed within a second."""
        if self.revoked_at is None:
            self.revoked_at = timezone.now()
            self.save(update_fields=["revoked_at"])

    def record_consent(self) -> None:
        if self.consented_at is None:
            self.consented_at = timezone.now()
            self.save(update_fields=["consented_at"])


class GlossaryTerm(models.Model):
    """A name or term of an event: how it is written, said and translated."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="glossary")
    term = models.CharField(max_length=120, help_text="As it is written in the spoken language.")
    keep = models.BooleanField(
        "never translate", default=False, help_text="Leave it as it is written in every language."
    )
    say_as = models.CharField(
        max_length=120,
        blank=True,
        help_text="How a voice should pronounce it, written as it sounds.",
    )

    class Meta:
        ordering = ["event", "term"]
        constraints = [
            models.UniqueConstraint(fields=["event", "term"], name="glossary_term_once"),
            models.CheckConstraint(condition=~Q(term=""), name="glossary_term_not_empty"),
        ]

    def __str__(self) -> str:
        return self.term


class GlossaryTranslation(models.Model):
    """How a term is translated into one language."""

    term = models.ForeignKey(GlossaryTerm, on_delete=models.CASCADE, related_name="translations")
    language = models.ForeignKey(Language, on_delete=models.PROTECT, related_name="+")
    text = models.CharField(max_length=120)

    class Meta:
        ordering = ["language__name"]
        constraints = [
            models.UniqueConstraint(
                fields=["term", "language"], name="glossary_translation_once_per_language"
            ),
            models.CheckConstraint(condition=~Q(text=""), name="glossary_translation_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.term} → {self.text} ({self.language})"
