"""What Azure Speech can recognise, translate into and say, of the languages in the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sessions_app.catalogue_data import AZURE_VOICES
from speech_app.backends.base import AUTO, VoiceInfo, same_language

MOST_CANDIDATES = 10
"""Languages that continuous language detection can tell apart (the service's documented limit)."""

LANGUAGES: Sequence[str] = tuple(sorted(row.language for row in AZURE_VOICES))
SOURCE_LANGUAGES: Sequence[str] = (
    "en-US",
    AUTO,
    *(code for code in LANGUAGES if code != "en-US"),
)

_TRANSLATION_CODES = {
    "fr-CA": "fr-ca",
    "he-IL": "he",
    "nb-NO": "nb",
    "pt-BR": "pt",
    "pt-PT": "pt-pt",
    "sr-Latn-RS": "sr-Latn",
    "sr-RS": "sr-Cyrl",
    "zh-CN": "zh-Hans",
    "zh-HK": "yue",
    "zh-TW": "zh-Hant",
}
"""Locales whose translation code is not simply their language."""


def translation_code(locale: str) -> str:
    """The service's code of the language to translate into: es-ES and es-MX are both `es`."""
    return _TRANSLATION_CODES.get(locale) or locale.partition("-")[0]


def target_languages(source: str) -> Sequence[str]:
    """Codes it can translate into from `source`."""
    return [code for code in LANGUAGES if source == AUTO or not same_language(code, source)]


def all_voices() -> Iterator[VoiceInfo]:
    """Two voices of each language; their codes are the service's short names."""
    for row in AZURE_VOICES:
        for name in (row.female, row.male):
            code = f"{row.language}-{name}Neural"
            yield VoiceInfo(code, row.language, name.removesuffix("Multilingual"))
