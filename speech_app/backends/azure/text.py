"""Written sentences from one language to another, with Azure Translator."""

from __future__ import annotations

import html
import logging
from collections.abc import Callable, Sequence

import httpx

from speech_app.backends.base import BackendDown, GlossaryEntry, LanguageUnavailable
from speech_app.backends.glossary import renderings_in, term_key, terms_pattern

from .authorization import Authorization
from .credentials import Credentials
from .refusals import UNREACHABLE
from .tables import translation_code

logger = logging.getLogger(__name__)


class AzureTextTranslator:
    """`TextTranslator` on the Translator service; the glossary goes along as its dictionary."""

    def __init__(
        self,
        credentials: Credentials,
        connection: Callable[[], tuple[httpx.AsyncClient, Authorization]],
    ) -> None:
        self._credentials = credentials
        self._connection = connection

    async def translate(
        self, text: str, source: str, target: str, glossary: Sequence[GlossaryEntry] = ()
    ) -> str:
        """The text in `target`. Raises LanguageUnavailable or BackendDown."""
        marked = with_dictionary(text, target, glossary)
        query = {
            "api-version": "3.0",
            "from": translation_code(source),
            "to": translation_code(target),
            "textType": "plain" if marked is None else "html",
        }
        client, authorization = self._connection()
        headers = self._credentials.translator_headers(await authorization.current())
        try:
            response = await client.post(
                self._credentials.translate_url,
                params=query,
                headers=headers,
                json=[{"Text": text if marked is None else marked}],
            )
        except httpx.HTTPError as error:
            logger.warning("Azure Translator: %s", type(error).__name__)
            raise BackendDown(UNREACHABLE.replace("Azure Speech", "Azure Translator")) from None
        if response.is_error:
            raise self._refusal(response, target)
        translations = response.json()[0]["translations"]
        if not translations:
            raise LanguageUnavailable(f"Azure Translator cannot translate this into {target}.")
        translated = str(translations[0]["text"])
        return translated if marked is None else html.unescape(translated)

    def _refusal(self, response: httpx.Response, target: str) -> Exception:
        logger.warning("Azure Translator: HTTP %d", response.status_code)
        match response.status_code:
            case 401 | 403:
                return BackendDown(
                    "Azure Translator does not accept the key: set TRANSLATOR_KEY and "
                    "TRANSLATOR_REGION to those of a Translator resource, or use a Speech resource "
                    "of the multi-service kind."
                )
            case 429:
                return BackendDown(
                    "The quota of Azure Translator is used up: try again in a minute, or raise it "
                    "in the Azure portal."
                )
            case 400:
                return LanguageUnavailable(f"Azure Translator cannot translate this into {target}.")
            case status:
                return BackendDown(f"Azure Translator has failed for the moment (HTTP {status}).")


def with_dictionary(text: str, target: str, glossary: Sequence[GlossaryEntry]) -> str | None:
    """The text as markup that says how its terms are to be translated; None if it has no term."""
    renderings = {
        term_key(term): rendering
        for term, rendering in renderings_in(target, glossary).items()
        if term.strip()
    }
    pattern = terms_pattern(renderings)
    if not renderings or not pattern.search(text):
        return None
    pieces = []
    position = 0
    for found in pattern.finditer(text):
        pieces.append(html.escape(text[position : found.start()], quote=False))
        translation = html.escape(renderings[term_key(found[0])])
        term = html.escape(found[0], quote=False)
        pieces.append(
            f'<mstrans:dictionary translation="{translation}">{term}</mstrans:dictionary>'
        )
        position = found.end()
    pieces.append(html.escape(text[position:], quote=False))
    return "".join(pieces)
