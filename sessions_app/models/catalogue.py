"""What an organiser chooses from: languages, voices and avatars."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

language_code_validator = RegexValidator(
    r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$",
    "Write a language code such as es-ES or zh-Hans-CN.",
)
colour_validator = RegexValidator(
    r"^#[0-9A-Fa-f]{6}([0-9A-Fa-f]{2})?$", "Write a colour such as #FFFFFF or #FFFFFFFF."
)


class Direction(models.TextChoices):
    LEFT_TO_RIGHT = "ltr", "left to right"
    RIGHT_TO_LEFT = "rtl", "right to left"


class Language(models.Model):
    """A language people speak or listen in, by its BCP 47 code."""

    code = models.CharField(max_length=35, unique=True, validators=[language_code_validator])
    name = models.CharField(max_length=80, help_text="In English, for example Spanish (Spain).")
    native_name = models.CharField(
        max_length=80, help_text="As its speakers call it, for example español."
    )
    direction = models.CharField(
        max_length=3, choices=Direction.choices, default=Direction.LEFT_TO_RIGHT
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(direction__in=Direction.values), name="language_direction_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BackendName(models.TextChoices):
    EMBEDDED = "embedded", "Embedded"
    AZURE = "azure", "Azure"


class Gender(models.TextChoices):
    FEMALE = "female", "female"
    MALE = "male", "male"


class Voice(models.Model):
    """A synthetic voice of one backend in one language; `code` is the backend's name for it."""

    backend = models.CharField(max_length=20, choices=BackendName.choices)
    language = models.ForeignKey(Language, on_delete=models.PROTECT, related_name="voices")
    code = models.CharField(max_length=100)
    name = models.CharField(max_length=80)
    gender = models.CharField(max_length=10, choices=Gender.choices)

    class Meta:
        ordering = ["backend", "language__name", "gender", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["backend", "language", "code"], name="voice_once_per_backend_and_language"
            ),
            models.CheckConstraint(
                condition=Q(backend__in=BackendName.values), name="voice_backend_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.language}, {self.get_backend_display()})"


class AvatarKind(models.TextChoices):
    DRAWN = "drawn", "Drawn in the listener's browser"
    VIDEO = "video", "Video from Azure"


STAND_INS = {"harry": "bruno", "lisa": "ada", "lori": "greta", "max": "chidi", "meg": "mei"}
"""The drawn figure that is shown while a video avatar is not."""


class Avatar(models.Model):
    """The face that speaks: which figure, in which style, before which background."""

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=AvatarKind.choices, default=AvatarKind.DRAWN)
    character = models.CharField(max_length=60, blank=True)
    style = models.CharField(max_length=60, blank=True)
    custom_id = models.CharField(
        "custom avatar",
        max_length=100,
        blank=True,
        help_text="Name of your own avatar at Azure; leave empty for a prebuilt one.",
    )
    use_built_in_voice = models.BooleanField(
        default=False, help_text="Speak with the voice the custom avatar was made with."
    )
    background_colour = models.CharField(
        max_length=9, default="#FFFFFFFF", validators=[colour_validator]
    )
    transparent = models.BooleanField(
        "transparent background", default=False, help_text="Shows the page behind the avatar."
    )
    crop = models.BooleanField(
        default=False, help_text="Show head and shoulders only, in portrait format."
    )

    class Meta:
        ordering = ["kind", "name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=AvatarKind.values), name="avatar_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(custom_id="") | Q(kind="video"), name="avatar_custom_is_video"
            ),
            models.CheckConstraint(
                condition=Q(use_built_in_voice=False) | ~Q(custom_id=""),
                name="avatar_built_in_voice_is_custom",
            ),
            models.CheckConstraint(
                condition=~Q(character="") | ~Q(custom_id=""), name="avatar_has_a_figure"
            ),
            models.UniqueConstraint(
                fields=[
                    "kind",
                    "character",
                    "style",
                    "custom_id",
                    "use_built_in_voice",
                    "background_colour",
                    "transparent",
                    "crop",
                ],
                name="avatar_once",
            ),
        ]

    def __str__(self) -> str:
        options = {"transparent": self.transparent, "head and shoulders": self.crop}
        chosen = [option for option, is_chosen in options.items() if is_chosen]
        return f"{self.name} ({', '.join(chosen)})" if chosen else self.name

    def clean(self) -> None:
        if self.custom_id and self.kind != AvatarKind.VIDEO:
            raise ValidationError({"custom_id": "Only a video avatar can be a custom one."})
        if self.use_built_in_voice and not self.custom_id:
            raise ValidationError({"use_built_in_voice": "Only a custom avatar has its own voice."})
        if not self.character and not self.custom_id:
            raise ValidationError({"character": "Choose a character or name a custom avatar."})

    @property
    def drawn(self) -> tuple[str, str]:
        """Character and style of the drawn figure: its own, or the one in place of a video."""
        if self.kind == AvatarKind.DRAWN:
            return self.character, self.style
        formal = self.style in ("business", "formal", "graceful")
        return STAND_INS.get(self.character, "ada"), "formal" if formal else "casual"

    def with_options(self, *, background_colour: str, transparent: bool, crop: bool) -> Avatar:
        """The same figure with these options, from the catalogue or added to it."""
        avatar, _ = Avatar.objects.get_or_create(
            kind=self.kind,
            character=self.character,
            style=self.style,
            custom_id=self.custom_id,
            use_built_in_voice=self.use_built_in_voice,
            background_colour=background_colour.upper(),
            transparent=transparent,
            crop=crop,
            defaults={"name": self.name},
        )
        return avatar
