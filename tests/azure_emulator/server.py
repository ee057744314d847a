"""The emulator as one web application."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from tests.azure_emulator.avatar import AvatarSession
from tests.azure_emulator.recordings import known_scripts, read_script
from tests.azure_emulator.relay import Relay
from tests.azure_emulator.rest import TURN_PORT, Translator, issue_token, relay_token, voices
from tests.azure_emulator.sockets import STATE, serve
from tests.azure_emulator.state import Limits, State
from tests.azure_emulator.synthesis import SynthesisSession
from tests.azure_emulator.translation import TranslationSession


def make_application(limits: Limits, turn_port: int) -> web.Application:
    """Every endpoint, at the paths of a region's hosts and at those of a custom domain."""
    app = web.Application()
    app[STATE] = State(limits)
    app[TURN_PORT] = turn_port
    scripts = known_scripts()
    strange = itertools.count(1)

    async def translation(request: web.Request) -> web.StreamResponse:
        return await serve(
            request, "stt", lambda socket: TranslationSession(socket, scripts, strange)
        )

    async def synthesis(request: web.Request) -> web.StreamResponse:
        if request.query.get("enableTalkingAvatar", "").lower() == "true":
            return await serve(request, "avatar", AvatarSession)
        return await serve(request, "tts", SynthesisSession)

    async def state(request: web.Request) -> web.Response:
        return web.json_response(request.app[STATE].snapshot())

    async def reset(request: web.Request) -> web.Response:
        request.app[STATE].reset()
        return web.Response()

    async def set_limits(request: web.Request) -> web.Response:
        for name, value in (await request.json()).items():
            if name not in {field.name for field in dataclasses.fields(Limits)}:
                raise web.HTTPBadRequest(text=f"There is no limit {name}.")
            setattr(request.app[STATE].limits, name, value)
        return web.Response()

    async def add_script(request: web.Request) -> web.Response:
        scripts.append(read_script(await request.json()))
        return web.Response()

    translate = Translator(scripts)
    for custom_domain in ("/stt", ""):
        app.router.add_get(f"{custom_domain}/speech/universal/v2", translation)
    for custom_domain in ("/tts", ""):
        base = f"{custom_domain}/cognitiveservices"
        app.router.add_get(f"{base}/websocket/v1", synthesis)
        app.router.add_get(f"{base}/avatar/relay/token/v1", relay_token)
        app.router.add_get(f"{base}/voices/list", voices)
    app.router.add_post("/sts/v1.0/issueToken", issue_token)
    app.router.add_post("/sts/v1.0/issuetoken", issue_token)
    app.router.add_post("/translate", translate)
    app.router.add_post("/translator/text/v3.0/translate", translate)
    app.router.add_get("/_emulator/state", state)
    app.router.add_post("/_emulator/reset", reset)
    app.router.add_post("/_emulator/limits", set_limits)
    app.router.add_post("/_emulator/scripts", add_script)
    return app


@asynccontextmanager
async def serving(port: int, limits: Limits) -> AsyncIterator[int]:
    """Serve on 127.0.0.1, TCP and UDP; port 0 means any free one. Gives the port."""
    loop = asyncio.get_running_loop()
    listener = socket.create_server(("127.0.0.1", port))
    port = listener.getsockname()[1]
    relay, _ = await loop.create_datagram_endpoint(Relay, local_addr=("127.0.0.1", port))
    runner = web.AppRunner(make_application(limits, port), shutdown_timeout=1)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield port
    finally:
        await runner.cleanup()
        relay.close()
