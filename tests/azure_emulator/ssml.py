"""What SSML asks a voice to say. Pure."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass

SSML = "{http://www.w3.org/2001/10/synthesis}"
MSTTS = "{https://www.w3.org/2001/mstts}"
MSTTS_OLD = "{http://www.w3.org/2001/mstts}"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
KNOWN = {"speak", "voice", "prosody", "break", "phoneme", "sub", "say-as", "lang", "p", "s"} | {
    "emphasis",
    "lexicon",
    "bookmark",
    "mark",
    "audio",
}
NAMED_RATES = {"x-slow": 0.5, "slow": 0.64, "medium": 1.0, "fast": 1.55, "x-fast": 2.0}


class Unspeakable(ValueError):
    """The service would refuse this SSML."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """What to say: `text` as written, `sounds` with substitutions; `rate` 1.0 is normal."""

    voice: str
    language: str
    text: str
    sounds: str
    rate: float
    pause_ms: int


def read_ssml(ssml: bytes) -> Utterance:
    """Raises Unspeakable with the reason."""
    try:
        # It comes from the code under test, on this machine.
        root = ET.fromstring(ssml)  # noqa: S314
    except ET.ParseError as error:
        raise Unspeakable(f"SSML is not well-formed XML: {error}.") from error
    if root.tag != f"{SSML}speak":
        raise Unspeakable(f"SSML begins with {root.tag}, not with speak.")
    if root.get("version") != "1.0" or not root.get(XML_LANG):
        raise Unspeakable("speak needs version 1.0 and xml:lang.")
    for element in root.iter():
        if element.tag.startswith((MSTTS, MSTTS_OLD)):
            continue
        if element.tag.removeprefix(SSML) not in KNOWN:
            raise Unspeakable(f"SSML has no element {element.tag}.")
    voices = {voice.get("name", "") for voice in root.iter(f"{SSML}voice")}
    if len(voices) != 1 or "" in voices:
        raise Unspeakable("The emulator speaks with exactly one voice at a time.")
    if (root.text or "").strip():
        raise Unspeakable("There is text outside voice.")
    rate = 1.0
    pause_ms = 0
    for prosody in root.iter(f"{SSML}prosody"):
        rate *= _rate(prosody.get("rate", "1"))
    for pause in root.iter(f"{SSML}break"):
        pause_ms += _milliseconds(pause.get("time", "250ms"))
    return Utterance(
        voices.pop(),
        root.get(XML_LANG, ""),
        " ".join("".join(root.itertext()).split()),
        " ".join(_sounds(root).split()),
        rate,
        pause_ms,
    )


def _sounds(element: ET.Element) -> str:
    """The text as it is said."""
    if element.tag == f"{SSML}sub":
        said = element.get("alias", "")
    else:
        said = (element.text or "") + "".join(_sounds(child) for child in element)
    return said + (element.tail or "")


def _rate(value: str) -> float:
    if value in NAMED_RATES:
        return NAMED_RATES[value]
    if match := re.fullmatch(r"([+-]?\d+(?:\.\d+)?)%", value):
        rate = 1 + float(match[1]) / 100
    elif re.fullmatch(r"\d+(?:\.\d+)?", value):
        rate = float(value)
    else:
        raise Unspeakable(f"{value!r} is no rate.")
    if not 0.5 <= rate <= 2:
        raise Unspeakable(f"The rate {value} is not within 0.5 and 2.")
    return rate


def _milliseconds(value: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)", value)
    if match is None:
        raise Unspeakable(f"{value!r} is no length of time.")
    return round(float(match[1]) * (1000 if match[2] == "s" else 1))
