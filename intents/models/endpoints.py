"""models.yaml: which endpoints are asked, in which order, and what they may cost. One endpoint needs no file."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from actions import yamlfile
from actions.errors import ConfigError
from actions.terms import Value
from intents.models.providers import PROVIDERS, Kind, Provider, kind_of

OPENAI = "https://api.openai.com/v1"


class Price(Value):
    """What tokens cost, in US dollars a million. Both 0 for a model on machines of one's own."""

    input: Decimal = Field(ge=0)
    output: Decimal = Field(ge=0)


class Endpoint(Value):
    """One OpenAI-compatible endpoint."""

    name: str = Field("model", min_length=1, max_length=60)
    base_url: str = Field(OPENAI, description="with its /v1")
    kind: Kind | None = Field(None, description="told from the address if not given")
    api_key: SecretStr | None = None
    api_key_file: Path | None = Field(None, description="a mounted secret that holds the key")
    model: str | None = Field(None, description="the first that the endpoint lists if not given")
    timeout: float | None = Field(None, gt=0, le=60, description="seconds; a fair share of the deadline if not given")
    max_output_tokens: int = Field(500, ge=50, le=4_000, description="of one answer")
    concurrent: int = Field(32, ge=1, le=256, description="calls at once")
    price: Price | None = Field(None, description="for a model that the list of prices does not have")

    @field_validator("base_url")
    @classmethod
    def _an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an address that begins with http:// or https://")
        if parts.username or parts.password:
            raise ValueError("must hold no key; say it as api_key_file")
        return url.rstrip("/")

    @property
    def provider(self) -> Provider:
        """What is particular about its kind."""
        return PROVIDERS[self.kind or kind_of(self.base_url)]

    def key(self) -> str:
        """The key; "none" for an endpoint without one. Raises ConfigError where the file cannot be read."""
        if self.api_key_file is not None:
            try:
                return self.api_key_file.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"{self.api_key_file}: the key of {self.name} cannot be read: {error}.") from None
        return self.api_key.get_secret_value() if self.api_key else "none"


class Limit(Value):
    """How much may be asked by each person, each team, in each channel, or by all together."""

    per: Literal["person", "team", "channel", "all"]
    calls_per_minute: int | None = Field(None, ge=1)
    calls_per_day: int | None = Field(None, ge=1)
    usd_per_day: Decimal | None = Field(None, gt=0, description="days of UTC")


class Models(Value):
    """The whole file."""

    endpoints: tuple[Endpoint, ...] = Field(
        min_length=1, description="asked in this order; then the grammar reads alone"
    )
    deadline: float = Field(8.0, gt=0, le=60, description="seconds for everything together")
    limits: tuple[Limit, ...] = ()
    remember: int = Field(1_000, ge=0, le=100_000, description="answers kept to be given again; 0 for none")
    record_content: bool = Field(False, description="put prompts and answers into traces, secrets taken out")

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [endpoint.name for endpoint in self.endpoints]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f'two endpoints are called "{twice}"')
        return self


def load(path: Path) -> Models:
    """Read models.yaml. Raises ConfigError with file, line and key."""
    models = yamlfile.load(path, Models, "TWOKEY_MODELS")
    for endpoint in models.endpoints:
        endpoint.key()
    return models


def single(base_url: str | None, api_key: str | None, model: str | None, deadline: float = 8.0) -> Models:
    """One endpoint from the settings that people already have."""
    key = SecretStr(api_key) if api_key else None
    return Models(endpoints=(Endpoint(base_url=base_url or OPENAI, api_key=key, model=model),), deadline=deadline)
