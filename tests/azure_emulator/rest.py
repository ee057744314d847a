"""What the service answers over plain HTTP: tokens, ICE servers, voices, written translations."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from aiohttp import web

from tests.azure_emulator.recordings import Script, Sentence, best_match
from tests.azure_emulator.sockets import STATE, admit

TURN_PORT = web.AppKey("turn_port", int)
VOICES = {
    "ar-SA": "Zariyah Hamed",
    "ca-ES": "Joana Enric",
    "de-DE": "Katja Conrad",
    "en-GB": "Sonia Ryan",
    "en-US": "AvaMultilingual AndrewMultilingual",
    "es-ES": "Elvira Alvaro",
    "es-MX": "Dalia Jorge",
    "fr-FR": "Denise Henri",
    "hi-IN": "Swara Madhur",
    "it-IT": "Elsa Diego",
    "ja-JP": "Nanami Keita",
    "ko-KR": "SunHi InJoon",
    "nl-NL": "Fenna Maarten",
    "pl-PL": "Zofia Marek",
    "pt-BR": "Francisca Antonio",
    "ru-RU": "Svetlana Dmitry",
    "tr-TR": "Emel Ahmet",
    "zh-CN": "Xiaoxiao Yunxi",
}
_DICTIONARY = re.compile(
    r"<mstrans:dictionary\s+translation\s*=\s*(?:\"([^\"]*)\"|'([^']*)')\s*>(.*?)"
    r"</mstrans:dictionary>",
    re.DOTALL | re.IGNORECASE,
)


async def relay_token(request: web.Request) -> web.Response:
    """ICE servers for an avatar's client: here the emulator's own port."""
    await admit(request, "relay")
    # Answered by `relay.Relay`, which lets clients find out quickly that it relays nothing.
    urls = [f"turn:{request.url.host}:{request.app[TURN_PORT]}"]
    return web.json_response({"Urls": urls, "Username": "emulated", "Password": "emulated"})


async def issue_token(request: web.Request) -> web.Response:
    """A token for a key, as plain text."""
    key = await admit(request, "token")
    return web.Response(text=request.app[STATE].issue_token(key))


async def voices(request: web.Request) -> web.Response:
    """The voices of the reference, a woman's and a man's in each language."""
    await admit(request, "voices")
    listed = [
        {
            "Name": f"Microsoft Server Speech Text to Speech Voice ({language}, {name}Neural)",
            "DisplayName": name,
            "LocalName": name,
            "ShortName": f"{language}-{name}Neural",
            "Gender": gender,
            "Locale": language,
            "LocaleName": language,
            "SampleRateHertz": "48000",
            "VoiceType": "Neural",
            "Status": "GA",
        }
        for language, names in VOICES.items()
        for name, gender in zip(names.split(), ("Female", "Male"), strict=True)
    ]
    return web.json_response(listed)


class Translator:
    """Azure Translator's `POST /translate`, which knows the sentences of the scripts.

    Any other text comes back marked with the target language. Markup of the dynamic dictionary is
    obeyed: `<mstrans:dictionary translation="…">term</mstrans:dictionary>`.
    """

    def __init__(self, scripts: Sequence[Script]) -> None:
        self._sentences = [sentence for script in scripts for sentence in script.sentences]

    async def __call__(self, request: web.Request) -> web.Response:
        key = await admit(request, "translate")
        state = request.app[STATE]
        targets = request.query.getall("to", [])
        if request.query.get("api-version") != "3.0":
            return _error(400021, "The API version parameter is missing or invalid.")
        if not targets:
            return _error(400036, "The target language is not valid.")
        try:
            texts = [str(each["Text"]) for each in await request.json()]
        except (ValueError, TypeError, KeyError):
            return _error(400074, "The body of the request is not valid JSON.")
        if len(texts) > 1000 or sum(map(len, texts)) > 50_000:
            return _error(400077, "The maximum request size has been exceeded.")
        source = request.query.get("from", "")
        answers = []
        for text in texts:
            answers.append(
                {
                    "translations": [
                        {"text": self._translate(text, source, target), "to": target}
                        for target in targets
                        if not state.fault(key, "translate", f"missing-language-{target}")
                    ]
                }
            )
            state.translated.append({"key": key, "from": source, "to": targets, "text": text})
        return web.json_response(answers)

    def _translate(self, text: str, source: str, target: str) -> str:
        plain = _DICTIONARY.sub(lambda match: match[3], text)
        wanted = [html.unescape(match[1] or match[2] or "") for match in _DICTIONARY.finditer(text)]
        sentence = self._known(plain, source)
        if sentence is not None:
            translated = sentence.in_language(target)
            if all(each in translated for each in wanted):
                return translated
        words = _DICTIONARY.sub(lambda match: html.unescape(match[1] or match[2] or ""), text)
        return f"[{target}] {words}"

    def _known(self, text: str, source: str) -> Sentence | None:
        for sentence in self._sentences:
            codes = [code] if (code := best_match(source, list(sentence.texts))) else sentence.texts
            if any(_bare(sentence.texts[code]) == _bare(text) for code in codes):
                return sentence
        return None


def _bare(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().lower()


def _error(code: int, message: str) -> web.Response:
    """An error as Azure Translator tells it; the first three digits are the HTTP status."""
    body = {"error": {"code": code, "message": message}}
    return web.json_response(body, status=code // 1000)
