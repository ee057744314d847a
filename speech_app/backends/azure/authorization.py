"""Keeps what requests carry valid: the key itself, or a token that is renewed before it expires."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import httpx

from speech_app.backends.base import BackendDown

from .credentials import Access, Credentials

logger = logging.getLogger(__name__)

RENEW_AFTER_S = 8.5 * 60
"""A token lives ten minutes and is to be renewed at nine (documentation of issueToken)."""
TRY_AGAIN_AFTER_S = 5.0
ENTRA_SCOPE = "https://cognitiveservices.azure.com/.default"


class Authorization:
    """What requests of one event loop carry; renewed while someone holds it."""

    def __init__(self, credentials: Credentials, client: httpx.AsyncClient) -> None:
        self._credentials = credentials
        self._client = client
        self._access = Access(key=credentials.key)
        self._got_at: float | None = None
        self._getting = asyncio.Lock()
        self._holders: set[Callable[[Access], None]] = set()
        self._renewing: asyncio.Task[None] | None = None
        self._entra: Any = None

    @property
    def _renews(self) -> bool:
        return self._credentials.use_token or self._credentials.by_entra

    @property
    def newest(self) -> Access:
        """What `current` returned last: valid for whoever holds it."""
        return self._access

    async def current(self) -> Access:
        """What a request may carry now. Raises BackendDown."""
        if self._renews:
            async with self._getting:
                if self._got_at is None or time.monotonic() - self._got_at >= RENEW_AFTER_S:
                    await self._renew()
        return self._access

    def hold(self, renewed: Callable[[Access], None]) -> Callable[[], None]:
        """Have `renewed` called with each new token, in time, until what is returned is called."""
        self._holders.add(renewed)
        if self._renews and self._renewing is None:
            self._renewing = asyncio.create_task(self._renew_in_time())
        return lambda: self._release(renewed)

    def _release(self, renewed: Callable[[Access], None]) -> None:
        self._holders.discard(renewed)
        if self._renewing and not self._holders:
            self._renewing.cancel()
            self._renewing = None

    async def _renew_in_time(self) -> None:
        while True:
            if self._got_at is not None:
                await asyncio.sleep(max(0.0, self._got_at + RENEW_AFTER_S - time.monotonic()))
            try:
                access = await self.current()
            except BackendDown as error:
                logger.warning("No new token: %s", error)
                await asyncio.sleep(TRY_AGAIN_AFTER_S)
                continue
            for renewed in list(self._holders):
                renewed(access)

    async def _renew(self) -> None:
        if self._credentials.by_entra:
            token = await self._entra_token()
        else:
            token = await self._issued_token()
        self._access = Access(token=token)
        self._got_at = time.monotonic()

    async def _issued_token(self) -> str:
        try:
            response = await self._client.post(
                self._credentials.issue_token_url,
                headers=Access(key=self._credentials.key).headers(),
            )
        except httpx.HTTPError as error:
            raise BackendDown(
                "Azure Speech cannot be reached: check this server's connection to the internet."
            ) from error
        if response.status_code in (401, 403):
            raise BackendDown(
                "Azure Speech does not accept the key: check SPEECH_KEY and SPEECH_REGION."
            )
        if response.is_error:
            raise BackendDown(
                f"Azure Speech gave no token (HTTP {response.status_code}); try again in a minute."
            )
        return response.text.strip()

    async def _entra_token(self) -> str:
        try:
            if self._entra is None:
                from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - optional

                self._entra = DefaultAzureCredential()
            found = await asyncio.to_thread(self._entra.get_token, ENTRA_SCOPE)
        except ImportError as error:
            raise BackendDown(
                "Signing in with Microsoft Entra ID needs the Python package azure-identity: run "
                "`pip install -r requirements/azure.txt`."
            ) from error
        except Exception as error:
            # Its text lists everything that was tried, environment included.
            logger.warning("No token of Microsoft Entra ID: %s", type(error).__name__)
            raise BackendDown(
                "Microsoft Entra ID gave no token: check this server's identity and its role "
                "“Cognitive Services Speech User” on the resource in SPEECH_RESOURCE_ID."
            ) from None
        return f"aad#{self._credentials.resource_id}#{found.token}"
