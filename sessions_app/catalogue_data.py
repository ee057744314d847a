"""The languages, voices and avatars every installation starts with."""

from typing import NamedTuple


class LanguageRow(NamedTuple):
    code: str
    name: str
    native_name: str
    direction: str = "ltr"


class AzureVoices(NamedTuple):
    """Names of a female and a male voice; their codes are the language's, the name and `Neural`."""

    language: str
    female: str
    male: str


class EmbeddedVoice(NamedTuple):
    """A language and espeak-ng's name for it; each is spoken by every one of EMBEDDED_SPEAKERS."""

    language: str
    espeak: str


class EmbeddedSpeaker(NamedTuple):
    """A way espeak-ng can speak any language: what is added to the language's name for it."""

    variant: str
    name: str
    gender: str


class AvatarRow(NamedTuple):
    kind: str
    character: str
    style: str
    name: str
    background_colour: str = "#FFFFFFFF"


LANGUAGES = [
    LanguageRow("ar-SA", "Arabic (Saudi Arabia)", "العربية (السعودية)", "rtl"),
    LanguageRow("ca-ES", "Catalan", "català"),
    LanguageRow("de-DE", "German", "Deutsch"),
    LanguageRow("en-GB", "English (United Kingdom)", "English (United Kingdom)"),
    LanguageRow("en-US", "English (United States)", "English (United States)"),
    LanguageRow("eo", "Esperanto", "esperanto"),
    LanguageRow("es-ES", "Spanish (Spain)", "español (España)"),
    LanguageRow("es-MX", "Spanish (Mexico)", "español (México)"),
    LanguageRow("fr-CA", "French (Canada)", "français (Canada)"),
    LanguageRow("fr-FR", "French (France)", "français (France)"),
    LanguageRow("gl-ES", "Galician", "galego"),
    LanguageRow("hi-IN", "Hindi", "हिन्दी"),
    LanguageRow("it-IT", "Italian", "italiano"),
    LanguageRow("ja-JP", "Japanese", "日本語"),
    LanguageRow("ko-KR", "Korean", "한국어"),
    LanguageRow("nl-NL", "Dutch", "Nederlands"),
    LanguageRow("pl-PL", "Polish", "polski"),
    LanguageRow("pt-BR", "Portuguese (Brazil)", "português (Brasil)"),
    LanguageRow("pt-PT", "Portuguese (Portugal)", "português (Portugal)"),
    LanguageRow("ro-RO", "Romanian", "română"),
    LanguageRow("ru-RU", "Russian", "русский"),
    LanguageRow("tr-TR", "Turkish", "Türkçe"),
    LanguageRow("zh-CN", "Chinese (Mandarin, simplified)", "中文（简体）"),
]

AZURE_VOICES = [
    AzureVoices("ar-SA", "Zariyah", "Hamed"),
    AzureVoices("ca-ES", "Joana", "Enric"),
    AzureVoices("de-DE", "Katja", "Conrad"),
    AzureVoices("en-GB", "Sonia", "Ryan"),
    AzureVoices("en-US", "AvaMultilingual", "AndrewMultilingual"),
    AzureVoices("es-ES", "Elvira", "Alvaro"),
    AzureVoices("es-MX", "Dalia", "Jorge"),
    AzureVoices("fr-CA", "Sylvie", "Antoine"),
    AzureVoices("fr-FR", "Denise", "Henri"),
    AzureVoices("gl-ES", "Sabela", "Roi"),
    AzureVoices("hi-IN", "Swara", "Madhur"),
    AzureVoices("it-IT", "Elsa", "Diego"),
    AzureVoices("ja-JP", "Nanami", "Keita"),
    AzureVoices("ko-KR", "SunHi", "InJoon"),
    AzureVoices("nl-NL", "Fenna", "Maarten"),
    AzureVoices("pl-PL", "Zofia", "Marek"),
    AzureVoices("pt-BR", "Francisca", "Antonio"),
    AzureVoices("pt-PT", "Raquel", "Duarte"),
    AzureVoices("ro-RO", "Alina", "Emil"),
    AzureVoices("ru-RU", "Svetlana", "Dmitry"),
    AzureVoices("tr-TR", "Emel", "Ahmet"),
    AzureVoices("zh-CN", "Xiaoxiao", "Yunxi"),
]

EMBEDDED_VOICES = [
    EmbeddedVoice("ar-SA", "ar"),
    EmbeddedVoice("ca-ES", "ca"),
    EmbeddedVoice("de-DE", "de"),
    EmbeddedVoice("en-GB", "en-gb-x-rp"),
    EmbeddedVoice("en-US", "en-us"),
    EmbeddedVoice("eo", "eo"),
    EmbeddedVoice("es-ES", "es"),
    EmbeddedVoice("es-MX", "es-419"),
    EmbeddedVoice("fr-CA", "fr"),
    EmbeddedVoice("fr-FR", "fr"),
    # espeak-ng has no Galician; Spanish says its vowels as they are.
    EmbeddedVoice("gl-ES", "es"),
    EmbeddedVoice("hi-IN", "hi"),
    EmbeddedVoice("it-IT", "it"),
    EmbeddedVoice("ko-KR", "ko"),
    EmbeddedVoice("nl-NL", "nl"),
    EmbeddedVoice("pl-PL", "pl"),
    EmbeddedVoice("pt-BR", "pt-br"),
    EmbeddedVoice("pt-PT", "pt"),
    EmbeddedVoice("ro-RO", "ro"),
    EmbeddedVoice("ru-RU", "ru"),
    EmbeddedVoice("tr-TR", "tr"),
    EmbeddedVoice("zh-CN", "cmn"),
]

EMBEDDED_SPEAKERS = [
    EmbeddedSpeaker("", "eSpeak Man", "male"),
    EmbeddedSpeaker("+m3", "eSpeak Man, deep", "male"),
    EmbeddedSpeaker("+f3", "eSpeak Woman", "female"),
    EmbeddedSpeaker("+f1", "eSpeak Woman, deep", "female"),
]

DRAWN_BACKGROUND = "#DFE6F1FF"
"""The drawn figures stand out from it in light and in dark pages."""

# The drawn figures and their outfits are those of static/js/avatar/characters.js.
AVATARS = [
    AvatarRow("drawn", "ada", "casual", "Ada, casual", DRAWN_BACKGROUND),
    AvatarRow("drawn", "ada", "formal", "Ada, formal", DRAWN_BACKGROUND),
    AvatarRow("drawn", "bruno", "casual", "Bruno, casual", DRAWN_BACKGROUND),
    AvatarRow("drawn", "bruno", "formal", "Bruno, formal", DRAWN_BACKGROUND),
    AvatarRow("drawn", "chidi", "casual", "Chidi, casual", DRAWN_BACKGROUND),
    AvatarRow("drawn", "chidi", "formal", "Chidi, formal", DRAWN_BACKGROUND),
    AvatarRow("drawn", "mei", "casual", "Mei, casual", DRAWN_BACKGROUND),
    AvatarRow("drawn", "mei", "formal", "Mei, formal", DRAWN_BACKGROUND),
    AvatarRow("drawn", "noor", "casual", "Noor, casual", DRAWN_BACKGROUND),
    AvatarRow("drawn", "noor", "formal", "Noor, formal", DRAWN_BACKGROUND),
    AvatarRow("drawn", "greta", "casual", "Greta, casual", DRAWN_BACKGROUND),
    AvatarRow("drawn", "greta", "formal", "Greta, formal", DRAWN_BACKGROUND),
    AvatarRow("video", "harry", "business", "Harry, business"),
    AvatarRow("video", "harry", "casual", "Harry, casual"),
    AvatarRow("video", "harry", "youthful", "Harry, youthful"),
    AvatarRow("video", "lisa", "casual-sitting", "Lisa, casual, sitting"),
    AvatarRow("video", "lori", "casual", "Lori, casual"),
    AvatarRow("video", "lori", "graceful", "Lori, graceful"),
    AvatarRow("video", "lori", "formal", "Lori, formal"),
    AvatarRow("video", "max", "business", "Max, business"),
    AvatarRow("video", "max", "casual", "Max, casual"),
    AvatarRow("video", "max", "formal", "Max, formal"),
    AvatarRow("video", "meg", "business", "Meg, business"),
    AvatarRow("video", "meg", "casual", "Meg, casual"),
    AvatarRow("video", "meg", "formal", "Meg, formal"),
]
