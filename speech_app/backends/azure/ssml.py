"""Sentences as the markup that a neural voice is told to read. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree

from speech_app.backends.base import GlossaryEntry
from speech_app.backends.glossary import term_key, terms_pattern

NAMESPACE = "http://www.w3.org/2001/10/synthesis"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def build_ssml(
    text: str,
    language: str,
    voice: str,
    rate: float = 1.0,
    glossary: Sequence[GlossaryEntry] = (),
) -> str:
    """`rate` 1.25 is a quarter faster; terms of the glossary are said as it tells."""
    speak = ElementTree.Element(
        "speak", {"version": "1.0", "xmlns": NAMESPACE, "xml:lang": language}
    )
    inner = ElementTree.SubElement(speak, "voice", {"name": voice})
    percent = round((rate - 1) * 100)
    if percent:
        inner = ElementTree.SubElement(inner, "prosody", {"rate": f"{percent:+d}%"})
    last: ElementTree.Element | None = None
    for piece, alias in _pieces(_NOT_IN_XML.sub("", text), glossary):
        if alias:
            last = ElementTree.SubElement(inner, "sub", {"alias": _NOT_IN_XML.sub("", alias)})
            last.text = piece
        elif last is None:
            inner.text = piece
        else:
            last.tail = piece
    return ElementTree.tostring(speak, encoding="unicode")


def _pieces(text: str, glossary: Sequence[GlossaryEntry]) -> Iterator[tuple[str, str]]:
    """The text in pieces, each with how it is said ("" as it is written)."""
    spoken = {term_key(e.term): e.say_as for e in glossary if e.term.strip() and e.say_as}
    position = 0
    for found in terms_pattern(spoken).finditer(text) if spoken else ():
        yield text[position : found.start()], ""
        yield found[0], spoken[term_key(found[0])]
        position = found.end()
    yield text[position:], ""
