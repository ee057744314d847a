"""Addresses, secrets, and what is said when they are not there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from speech_app.backends.azure.checks import check_azure
from speech_app.backends.azure.credentials import Access, Credentials
from speech_app.backends.base import BackendDown
from tests.azure.talking import backend_at
from tests.azure_emulator.running import Emulator

ROOT = Path(__file__).resolve().parents[2]
KEY = "0123456789abcdef0123456789abcdef"


def test_addresses_follow_from_the_region() -> None:
    there = Credentials(key=KEY, region="westeurope")
    assert there.recognition_url == "wss://westeurope.stt.speech.microsoft.com/speech/universal/v2"
    speech = "westeurope.tts.speech.microsoft.com/cognitiveservices"
    assert there.synthesis_url == f"wss://{speech}/websocket/v1"
    assert there.avatar_url == f"wss://{speech}/websocket/v1?enableTalkingAvatar=true"
    assert there.relay_token_url == f"https://{speech}/avatar/relay/token/v1"
    api = "https://westeurope.api.cognitive.microsoft.com"
    assert there.issue_token_url == f"{api}/sts/v1.0/issueToken"
    assert there.translate_url == "https://api.cognitive.microsofttranslator.com/translate"
    assert there.translator_headers(Access(key=KEY)) == {
        "Ocp-Apim-Subscription-Key": KEY,
        "Ocp-Apim-Subscription-Region": "westeurope",
    }


def test_addresses_follow_from_a_private_endpoint(settings: Any) -> None:
    settings.SPEECH_KEY = KEY
    settings.SPEECH_PRIVATE_ENDPOINT = "hall.cognitiveservices.azure.com/"
    there = Credentials.from_settings()
    host = "hall.cognitiveservices.azure.com"
    assert there.recognition_url == f"wss://{host}/stt/speech/universal/v2"
    assert there.synthesis_url == f"wss://{host}/tts/cognitiveservices/websocket/v1"
    assert there.relay_token_url == (f"https://{host}/tts/cognitiveservices/avatar/relay/token/v1")
    assert there.issue_token_url == f"https://{host}/sts/v1.0/issueToken"
    assert there.translate_url == f"https://{host}/translator/text/v3.0/translate"
    assert Credentials(key="k", endpoint="http://127.0.0.1:9").recognition_url.startswith("ws://")


def test_secrets_are_shown_nowhere() -> None:
    there = Credentials(key=KEY, region="westeurope", translator_key="another-secret")
    token = "eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl"  # noqa: S105 - made up
    shown = repr(there) + str(there) + repr(Access(key=KEY, token=token))
    assert KEY not in shown
    assert "another-secret" not in shown
    assert token not in shown
    told = there.scrub(f"401 for {KEY}, another-secret, Bearer {token}, aad#/sub/1#{token}")
    assert told == "401 for ***, ***, ***, ***"


def test_translator_is_asked_as_entra_wants_it() -> None:
    there = Credentials(region="westeurope", resource_id="/subscriptions/1/x")
    assert there.translator_headers(Access(token="aad#/subscriptions/1/x#abc")) == {  # noqa: S106
        "Authorization": "Bearer abc",
        "Ocp-Apim-ResourceId": "/subscriptions/1/x",
        "Ocp-Apim-Subscription-Region": "westeurope",
    }


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"SPEECH_KEY": ""}, "set SPEECH_KEY"),
        ({"SPEECH_REGION": ""}, "set SPEECH_REGION"),
        ({"SPEECH_REGION": "West Europe"}, "written like westeurope"),
        ({"SPEECH_PRIVATE_ENDPOINT": "https://x/y z"}, "SPEECH_PRIVATE_ENDPOINT is not an address"),
        ({"SPEECH_SEGMENTATION_SILENCE_MS": 10}, "set 100 to 5000"),
        ({"SPEECH_PROFANITY": "loud"}, "masked, removed or raw"),
    ],
)
def test_what_is_missing_is_said_at_the_start(
    settings: Any, wrong: dict[str, Any], told: str
) -> None:
    settings.SPEECH_BACKEND, settings.SPEECH_KEY = "azure", KEY
    settings.SPEECH_REGION = "westeurope"
    assert check_azure(None) == []
    for name, value in wrong.items():
        setattr(settings, name, value)
    [error] = check_azure(None)
    assert told in str(error.msg)
    assert KEY not in str(error.msg)
    settings.SPEECH_BACKEND = "embedded"
    assert check_azure(None) == []


def test_a_server_without_a_key_does_not_start(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={"SPEECH_BACKEND": "azure", "VAR_DIR": str(tmp_path), "SPEECH_REGION": "westeurope"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "Azure Speech needs a key: set SPEECH_KEY" in ran.stderr


@pytest.mark.azure
async def test_a_session_without_a_key_says_so(emulator: Emulator) -> None:
    async with backend_at(emulator, "") as backend:
        with pytest.raises(BackendDown, match="set SPEECH_KEY"):
            await backend.open_translator("en-US", ["es-ES"])


@pytest.mark.azure
@pytest.mark.parametrize("status", ["401", "403"])
async def test_a_key_that_gets_no_token_says_so(emulator: Emulator, status: str) -> None:
    async with backend_at(emulator, f"key-token-{status}", use_token=True) as backend:
        with pytest.raises(BackendDown, match="check SPEECH_KEY and SPEECH_REGION"):
            await backend.open_translator("en-US", ["es-ES"])


class SignedIn:
    """Stands for this server's identity, which only Microsoft Entra ID can give."""

    scopes: ClassVar[list[str]] = []

    def get_token(self, *scopes: str) -> Any:
        self.scopes.extend(scopes)
        return SimpleNamespace(token="identity")  # noqa: S106 - made up


@pytest.mark.azure
async def test_a_signed_in_identity_stands_for_the_key(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("azure.identity.DefaultAzureCredential", SignedIn)
    async with backend_at(emulator, "", resource_id="/subscriptions/1/hall") as backend:
        translator = await backend.open_translator("en-US", ["es-ES"])
        await translator.close()
        voice = backend.synthesizer()
        assert (await voice.synthesize("Hola.", "es-ES", "es-ES-ElviraNeural")).audio
        assert await backend.text_translator().translate("Hi.", "en-US", "es-ES") == "[es] Hi."
    state = emulator.state()
    assert {each["key"] for each in state["connections"]} == {"identity"}
    assert SignedIn.scopes == ["https://cognitiveservices.azure.com/.default"]
    assert "token" not in state["requests"]
