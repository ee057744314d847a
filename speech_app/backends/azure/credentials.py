"""Where the Azure resource is reached and what requests to it carry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings

GLOBAL_TRANSLATOR = "https://api.cognitive.microsofttranslator.com"
HIDDEN = "***"
_SHORTEST_SECRET = 6
_TOKEN = re.compile(r"aad#[^\s,]+|Bearer\s+[^\s,]+|eyJ[\w-]+\.[\w-]+\.[\w-]*")


@dataclass(frozen=True, slots=True)
class Access:
    """What one request carries: a key or a token. Neither is ever shown."""

    key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    def headers(self) -> Mapping[str, str]:
        if self.token:
            return {"Authorization": f"Bearer {self.token}"}
        return {"Ocp-Apim-Subscription-Key": self.key}


@dataclass(frozen=True, slots=True)
class Credentials:
    """An Azure Speech resource: by region, or at an endpoint of its own.

    A Translator resource of its own is used where `translator_key` names one.
    """

    key: str = field(default="", repr=False)
    region: str = ""
    endpoint: str = ""
    use_token: bool = False
    resource_id: str = ""
    translator_key: str = field(default="", repr=False)
    translator_region: str = ""
    translator_endpoint: str = ""

    @classmethod
    def from_settings(cls) -> Credentials:
        return cls(
            key=settings.SPEECH_KEY,
            region=settings.SPEECH_REGION,
            endpoint=_address(settings.SPEECH_PRIVATE_ENDPOINT),
            use_token=settings.ENABLE_TOKEN_AUTH,
            resource_id=settings.SPEECH_RESOURCE_ID,
            translator_key=settings.TRANSLATOR_KEY,
            translator_region=settings.TRANSLATOR_REGION,
            translator_endpoint=_address(settings.TRANSLATOR_ENDPOINT),
        )

    def problems(self) -> list[str]:
        """What is missing to reach the service, each with its remedy."""
        found = []
        if not self.key and not self.resource_id:
            found.append(
                "Azure Speech needs a key: set SPEECH_KEY to one of the two keys that the Azure "
                "portal shows for the Speech resource (or SPEECH_RESOURCE_ID to sign in with "
                "Microsoft Entra ID)."
            )
        if not self.region and not self.endpoint:
            found.append(
                "Azure Speech needs a region: set SPEECH_REGION to that of the Speech resource, "
                "such as westeurope (or SPEECH_PRIVATE_ENDPOINT to its own address)."
            )
        if self.region and not re.fullmatch(r"[a-z0-9]+", self.region):
            found.append(
                "SPEECH_REGION is not the name of a region: it is written like westeurope, in "
                "small letters without blanks."
            )
        if self.endpoint and not re.fullmatch(r"https?://[^\s/]+", self.endpoint):
            found.append(
                "SPEECH_PRIVATE_ENDPOINT is not an address: it is written like "
                "https://my-resource.cognitiveservices.azure.com."
            )
        return found

    @property
    def by_entra(self) -> bool:
        """Whether a signed-in identity stands for the key."""
        return bool(self.resource_id) and not self.key

    @property
    def recognition_url(self) -> str:
        host = self.endpoint or f"https://{self.region}.stt.speech.microsoft.com"
        return _socket(host) + ("/stt" if self.endpoint else "") + "/speech/universal/v2"

    @property
    def synthesis_url(self) -> str:
        return _socket(self._synthesis) + "/cognitiveservices/websocket/v1"

    @property
    def avatar_url(self) -> str:
        return f"{self.synthesis_url}?enableTalkingAvatar=true"

    @property
    def relay_token_url(self) -> str:
        return f"{self._synthesis}/cognitiveservices/avatar/relay/token/v1"

    @property
    def issue_token_url(self) -> str:
        host = self.endpoint or f"https://{self.region}.api.cognitive.microsoft.com"
        return f"{host}/sts/v1.0/issueToken"

    @property
    def translate_url(self) -> str:
        if self.translator_endpoint:
            own = not self.translator_endpoint.endswith(".microsofttranslator.com")
            return _translate(self.translator_endpoint, own_address=own)
        if self.endpoint and not self.translator_key:
            return _translate(self.endpoint, own_address=True)
        return _translate(GLOBAL_TRANSLATOR, own_address=False)

    def translator_headers(self, access: Access) -> Mapping[str, str]:
        """What a request to Translator carries, given what one to Speech does."""
        if self.translator_key:
            headers = dict(Access(key=self.translator_key).headers())
            region = self.translator_region
        else:
            headers = dict(access.headers())
            region = self.translator_region or self.region
            if self.by_entra:
                headers["Authorization"] = f"Bearer {access.token.rpartition('#')[2]}"
                headers["Ocp-Apim-ResourceId"] = self.resource_id
        if region:
            headers["Ocp-Apim-Subscription-Region"] = region
        return headers

    def scrub(self, text: str) -> str:
        """What the service or its library says, without keys and tokens."""
        for secret in (self.key, self.translator_key):
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, HIDDEN)
        return _TOKEN.sub(HIDDEN, text)

    @property
    def _synthesis(self) -> str:
        if self.endpoint:
            return f"{self.endpoint}/tts"
        return f"https://{self.region}.tts.speech.microsoft.com"


def _address(text: str) -> str:
    text = text.strip().rstrip("/")
    return text if not text or "://" in text else f"https://{text}"


def _socket(url: str) -> str:
    return "ws" + url.removeprefix("http")


def _translate(host: str, *, own_address: bool) -> str:
    return f"{host}/translator/text/v3.0/translate" if own_address else f"{host}/translate"
