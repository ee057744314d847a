"""The voices of espeak-ng that sound acceptable, by BCP 47 code.

espeak-ng has no Galician: the Portuguese of Portugal would swallow its vowels, Spanish says them
as they are. Japanese is left out, as espeak-ng reads a kanji as "Chinese letter".
"""

from __future__ import annotations

from speech_app.backends.base import VoiceInfo

_ESPEAK_LANGUAGES = {
    "en-US": "en-us",
    "en-GB": "en-gb-x-rp",
    "es-ES": "es",
    "es-MX": "es-419",
    "ca-ES": "ca",
    "gl-ES": "es",
    "fr-FR": "fr",
    "fr-CA": "fr",
    "it-IT": "it",
    "pt-PT": "pt",
    "pt-BR": "pt-br",
    "de-DE": "de",
    "nl-NL": "nl",
    "pl-PL": "pl",
    "ru-RU": "ru",
    "tr-TR": "tr",
    "ar-SA": "ar",
    "hi-IN": "hi",
    "ko-KR": "ko",
    "zh-CN": "cmn",
    "ro-RO": "ro",
    "eo": "eo",
}
_VARIANTS = {"": "Man", "+m3": "Man, deep", "+f3": "Woman", "+f1": "Woman, deep"}


def all_voices() -> list[VoiceInfo]:
    """Every voice offered; the first of a language is its default."""
    return [
        VoiceInfo(code=f"{espeak}{variant}", language=language, name=f"eSpeak {name}")
        for language, espeak in _ESPEAK_LANGUAGES.items()
        for variant, name in _VARIANTS.items()
    ]


def voice_for(language: str, voice: str) -> str | None:
    """espeak's name of the voice to use: the one asked for where it speaks this language at all,
    else the language's default; None where no voice speaks it."""
    if voice.partition("+")[0] in _ESPEAK_LANGUAGES.values():
        return voice
    return _ESPEAK_LANGUAGES.get(language) or next(
        (
            espeak
            for code, espeak in _ESPEAK_LANGUAGES.items()
            if code.partition("-")[0] == language.partition("-")[0]
        ),
        None,
    )
