"""Settings, under the names that people already have set. The only reader of the environment.

Each can also be read from a file, as secrets are mounted: `SLACK_BOT_TOKEN_FILE=/run/secrets/slack`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from actions.errors import ConfigError

if TYPE_CHECKING:
    from approvals.keyring import Keyring


class Settings(BaseSettings):
    """Everything the program is told from outside."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    slack_bot_token: SecretStr | None = Field(None, validation_alias="SLACK_BOT_TOKEN")
    slack_app_token: SecretStr | None = Field(None, validation_alias="SLACK_APP_TOKEN")
    slack_signing_secret: SecretStr | None = Field(None, validation_alias="SLACK_SIGNING_SECRET")
    slack_api_url: str = Field("https://slack.com/api/", validation_alias="SLACK_API_URL")
    openai_api_key: SecretStr | None = Field(None, validation_alias="OPENAI_API_KEY")
    openai_base_url: str | None = Field(None, validation_alias="OPENAI_BASE_URL")
    kubeconfig: Path | None = Field(None, validation_alias="KUBECONFIG")
    impersonate: bool = Field(True, validation_alias="TWOKEY_IMPERSONATE")
    prometheus_url: str | None = Field(None, validation_alias="PROMETHEUS_URL")
    loki_url: str | None = Field(None, validation_alias="LOKI_URL")
    model: str | None = Field(None, validation_alias="TWOKEY_MODEL")
    models: Path | None = Field(None, validation_alias="TWOKEY_MODELS")
    catalog: Path = Field(Path("catalog.yaml"), validation_alias="TWOKEY_CATALOG")
    policy: Path = Field(Path("policy.yaml"), validation_alias="TWOKEY_POLICY")
    database_url: str = Field("sqlite:///twokey.db", validation_alias="TWOKEY_DATABASE_URL")
    audit_key: SecretStr | None = Field(None, validation_alias="TWOKEY_AUDIT_KEY")
    audit_channel: str | None = Field(None, validation_alias="TWOKEY_AUDIT_CHANNEL")
    policy_channel: str | None = Field(None, validation_alias="TWOKEY_POLICY_CHANNEL")
    audit_witness: Path | None = Field(None, validation_alias="TWOKEY_AUDIT_WITNESS")
    audit_every: int = Field(1000, ge=1, validation_alias="TWOKEY_AUDIT_EVERY")  # entries
    readings_days: int = Field(90, ge=0, validation_alias="TWOKEY_READINGS_DAYS")  # 0: no journal of readings
    readings_words: bool = Field(False, validation_alias="TWOKEY_READINGS_WORDS")
    audit_minutes: int = Field(60, ge=1, validation_alias="TWOKEY_AUDIT_MINUTES")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` hands over, so that a test's settings are exactly what it says."""
        return (init_settings,)

    @property
    def model_configured(self) -> bool:
        """Whether a model endpoint is named at all."""
        return bool(self.models or self.openai_api_key or self.openai_base_url)


def keyring(settings: Settings) -> Keyring:
    """Where the key is that signs checkpoints: the setting's, or one in a file beside an SQLite store."""
    from approvals.keyring import Keyring

    given = settings.audit_key.get_secret_value() if settings.audit_key else None
    _, sqlite, path = settings.database_url.partition("sqlite:///")
    return Keyring(given, Path(path).with_suffix(".audit-key") if sqlite and path else None)


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process. Raises ConfigError naming the variable that is wrong."""
    found = dict(os.environ if environ is None else environ)
    names = [str(field.validation_alias) for field in Settings.model_fields.values()]
    for name in names:
        file = found.get(f"{name}_FILE")
        if file and not found.get(name):
            try:
                found[name] = Path(file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"{name}_FILE: {file} cannot be read: {error}.") from None
    try:
        return Settings.model_validate({name: found[name] for name in names if found.get(name)})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigError(f"{first['loc'][0]}: {first['msg']}.") from None
