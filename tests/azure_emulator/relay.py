"""STUN on the emulator's UDP port, so that browsers gather their addresses without waiting.

Clients are told that it is a TURN server, as the service does; it answers who they are and relays
nothing: everything here runs on one machine, where peers reach each other directly.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from aioice import stun


class Relay(asyncio.DatagramProtocol):
    """Answers bindings, and refuses allocations.

    As "Unauthorized", also with the right password: Chromium gives up at once on a second one, and
    on any other error only after 40 s.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        try:
            request = stun.parse_message(data)
        except ValueError:
            return
        if request.message_class != stun.Class.REQUEST:
            return
        bound = request.message_method == stun.Method.BINDING
        answer = stun.Message(
            message_method=request.message_method,
            message_class=stun.Class.RESPONSE if bound else stun.Class.ERROR,
            transaction_id=request.transaction_id,
        )
        if bound:
            answer.attributes["XOR-MAPPED-ADDRESS"] = addr[:2]
        else:
            answer.attributes["ERROR-CODE"] = (401, "Unauthorized")
            answer.attributes["REALM"] = "emulator"
            answer.attributes["NONCE"] = b"none"
        self._transport.sendto(bytes(answer), addr)
