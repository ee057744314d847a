"""What the service's errors mean, in words for the people in the room."""

from __future__ import annotations

import azure.cognitiveservices.speech as sdk

UNREACHABLE = (
    "Azure Speech cannot be reached: check this server's connection to the internet and its "
    "firewall (TCP 443)."
)
_WORDS = {
    sdk.CancellationErrorCode.AuthenticationFailure: (
        "Azure Speech does not accept the key: check SPEECH_KEY and SPEECH_REGION."
    ),
    sdk.CancellationErrorCode.Forbidden: (
        "Azure Speech refuses this key: check that the resource is active and allows this server "
        "in its network settings, and that SPEECH_KEY and SPEECH_REGION belong together."
    ),
    sdk.CancellationErrorCode.TooManyRequests: (
        "The quota of the Azure Speech resource is used up: end another session or raise the "
        "quota in the Azure portal. It is tried again."
    ),
    sdk.CancellationErrorCode.BadRequest: (
        "Azure Speech does not accept this request: check that its region offers the event's "
        "languages and voices."
    ),
    sdk.CancellationErrorCode.ConnectionFailure: UNREACHABLE,
}
_SERVICE_FAILED = "Azure Speech has failed for the moment. It is tried again."


def refusal(code: sdk.CancellationErrorCode, details: str) -> str:
    """What failed and what to do about it; never the details themselves, which may hold secrets."""
    if code == sdk.CancellationErrorCode.AuthenticationFailure and "(403)" in details:
        # The SDK tells both refusals by the same code.
        code = sdk.CancellationErrorCode.Forbidden
    if "4429" in details or "quota" in details.lower():
        code = sdk.CancellationErrorCode.TooManyRequests
    return _WORDS.get(code, _SERVICE_FAILED)


def is_passing(code: sdk.CancellationErrorCode) -> bool:
    """Whether the next try may well succeed without anybody doing anything."""
    return code not in (
        sdk.CancellationErrorCode.AuthenticationFailure,
        sdk.CancellationErrorCode.Forbidden,
        sdk.CancellationErrorCode.BadRequest,
        sdk.CancellationErrorCode.TooManyRequests,
    )
