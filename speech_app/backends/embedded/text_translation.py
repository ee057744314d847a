"""Written sentences from one language to another: phrases, glossary, Apertium, in this order."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence

from speech_app.backends.base import GlossaryEntry, LanguageUnavailable
from speech_app.backends.glossary import renderings_in

from .apertium import Mode, installed_modes
from .glossary import Protected, protect
from .phrase_memory import PhraseMemory, Piece, phrase_memory
from .routes import find_route

_SENTENCE_END = re.compile(
    r"(?<!\bMr\.)(?<!\bMrs\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bSt\.)(?<=[.!?…])\s+"
)
_BLANKS = re.compile(r"\s+")
_FRENCH_MARK = re.compile(r"\s*([?!])")
_BLANK_BEFORE_MARK = re.compile(r"\s+([,.])")
_CONTRACTIONS: dict[str, dict[str, str]] = {
    "es": {"a el": "al", "de el": "del"},
    "ca": {"a el": "al", "a els": "als", "de el": "del", "de els": "dels"},
    "gl": {"a o": "ao", "a a": "á", "de o": "do", "de a": "da", "en o": "no", "en a": "na",
           "por o": "polo", "por a": "pola"},
    "pt": {"a o": "ao", "a a": "à", "de o": "do", "de a": "da", "em o": "no", "em a": "na",
           "por o": "pelo", "por a": "pela", "de este": "deste", "em este": "neste"},
    "fr": {"à le": "au", "à les": "aux", "de le": "du", "de les": "des"},
    "it": {"a il": "al", "a la": "alla", "di il": "del", "di la": "della", "in il": "nel",
           "in la": "nella"},
}  # fmt: skip
"""Words that melt into one where a fixed rendering meets a translated one."""


class Apertium:
    """All modes in use on one event loop."""

    def __init__(self) -> None:
        self._modes: dict[str, Mode] = {}

    @property
    def pids(self) -> list[int]:
        """Process ids of all running stages."""
        return [pid for mode in self._modes.values() for pid in mode.pids]

    async def pass_through(self, text: str, route: Sequence[str]) -> str:
        """The text after every mode of the route. Raises BackendDown."""
        for name in route:
            mode = self._modes.setdefault(name, Mode(name))
            text = await mode.translate(text)
        return text

    async def close(self) -> None:
        """Stop every mode."""
        modes = list(self._modes.values())
        self._modes.clear()
        await asyncio.gather(*(mode.close() for mode in modes))


class EmbeddedTextTranslator:
    """`TextTranslator` on Apertium. `apertium` gives the running modes of the caller's loop."""

    def __init__(self, apertium: Callable[[], Apertium], with_phrase_memory: bool = True) -> None:
        self._apertium = apertium
        self._with_phrase_memory = with_phrase_memory

    async def translate(
        self, text: str, source: str, target: str, glossary: Sequence[GlossaryEntry] = ()
    ) -> str:
        """The text in `target`. Raises LanguageUnavailable or BackendDown."""
        route = find_route(source, target, installed_modes())
        if route is None:
            raise LanguageUnavailable(f"This server cannot translate from {source} into {target}.")
        if not route:
            return text
        sentences = [s for s in _SENTENCE_END.split(text.strip()) if s]
        return " ".join(
            [await self._sentence(s, source, target, route, glossary) for s in sentences]
        )

    async def _sentence(
        self,
        sentence: str,
        source: str,
        target: str,
        route: Sequence[str],
        glossary: Sequence[GlossaryEntry],
    ) -> str:
        protected = protect(sentence, renderings_in(target, glossary))
        translated = await self._pieces(protected.text, source, target, route)
        restored = protected.restore(translated)
        if restored is None:
            restored = await self._around_terms(protected, source, target, route)
        return _finish_sentence(restored, sentence, target)

    async def _around_terms(
        self, protected: Protected, source: str, target: str, route: Sequence[str]
    ) -> str:
        """For a translation that lost a term: what stands between the terms, one by one."""
        found: list[str] = []
        for text, term in protected.parts():
            if text.strip():
                found.append(await self._pieces(text.strip(), source, target, route))
            if term is not None:
                found.append(term)
        return " ".join(found)

    async def _pieces(self, text: str, source: str, target: str, route: Sequence[str]) -> str:
        memory = phrase_memory(source, target) if self._with_phrase_memory else None
        pieces = memory.split(text) if memory else [Piece(text, rendered=False)]
        joined = ""
        for piece in pieces:
            rendering = piece.text
            if not piece.rendered:
                rendering = await self._plain(piece.text, memory, route)
            joined = _join(joined, rendering, target)
        return joined

    async def _plain(self, text: str, memory: PhraseMemory | None, route: Sequence[str]) -> str:
        """A stretch that no phrase covers."""
        # Some pairs carry the case of a block's first word over into the next block.
        inside = text[:1].islower() or re.match(r"I\b", text) is not None
        capital = text[:1].upper() + text[1:]
        reworded = memory.reword(capital) if memory else capital
        translated = await self._apertium().pass_through(reworded, route)
        translated = _BLANKS.sub(" ", translated).strip()
        if memory:
            translated = memory.mend(translated, capital)
        return translated[:1].lower() + translated[1:] if inside else translated


def _join(left: str, right: str, language: str) -> str:
    if not left or not right:
        return left or right
    return _melt(f"{left} {right}", language)


def _melt(text: str, language: str) -> str:
    for apart, melted in _CONTRACTIONS.get(language.partition("-")[0], {}).items():
        text = re.sub(rf"\b{apart}\b", melted, text)
    return text


def _finish_sentence(text: str, source: str, language: str) -> str:
    """Marks and capital letter as the source sentence has them and the language wants them."""
    text = _BLANK_BEFORE_MARK.sub(r"\1", text)
    if source[:1].isupper():
        first = next((at for at, letter in enumerate(text) if letter.isalpha()), 0)
        text = text[:first] + text[first : first + 1].upper() + text[first + 1 :]
    if language.startswith("es"):
        for close, opening in (("?", "¿"), ("!", "¡")):
            if text.endswith(close) and opening not in text:
                text = opening + text
    if language.startswith("fr"):
        text = _FRENCH_MARK.sub("\u202f\\1", text)
    return text
