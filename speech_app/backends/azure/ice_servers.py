"""Where a browser finds a way to the avatar's video: one's own TURN servers, or Azure's relay."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import httpx
from django.conf import settings

from sessions_app.messages import IceServer
from speech_app.backends.base import BackendDown

from .authorization import Authorization
from .credentials import Credentials

KEPT_FOR_S = 600.0
"""The service says nothing of how long a relay's password is good for; a day by its samples."""


class IceServers:
    """The ICE servers of one Azure Speech resource, or those that the settings name."""

    def __init__(
        self,
        credentials: Credentials,
        connect: Callable[[], tuple[httpx.AsyncClient, Authorization]],
    ) -> None:
        self._credentials = credentials
        self._connect = connect
        self._kept: tuple[float, Sequence[IceServer]] = (0.0, [])

    async def current(self) -> Sequence[IceServer]:
        """Raises BackendDown."""
        if settings.ICE_SERVER_URL:
            return [
                IceServer(
                    urls=[url.strip() for url in settings.ICE_SERVER_URL.split(",")],
                    username=settings.ICE_SERVER_USERNAME,
                    credential=settings.ICE_SERVER_PASSWORD,
                )
            ]
        until, servers = self._kept
        if time.monotonic() >= until:
            servers = [await self._relay()]
            self._kept = time.monotonic() + KEPT_FOR_S, servers
        return servers

    async def _relay(self) -> IceServer:
        client, authorization = self._connect()
        access = await authorization.current()
        try:
            response = await client.get(self._credentials.relay_token_url, headers=access.headers())
            response.raise_for_status()
            relay = response.json()
            return IceServer(
                urls=list(relay["Urls"]), username=relay["Username"], credential=relay["Password"]
            )
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            code = getattr(getattr(error, "response", None), "status_code", type(error).__name__)
            raise BackendDown(
                f"Azure gives no relay for the video ({code}): check that the resource's region "
                "offers avatars."
            ) from None
