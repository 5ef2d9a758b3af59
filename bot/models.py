"""Which key goes to which model endpoint."""

from __future__ import annotations

from actions.clients.openai_chat import OpenAIChat
from actions.clients.protocols import EvalModel
from bot.settings import Settings
from intents.models import endpoints
from intents.models.endpoints import Models


def eval_model(settings: Settings, base_url: str | None) -> EvalModel:
    """The endpoint of an eval suite. Our key is for the endpoint that it was set for, and goes to no other."""
    ours = base_url is None or base_url == settings.openai_base_url
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key and ours else None
    return OpenAIChat(base_url or settings.openai_base_url, key)


def reading_models(settings: Settings) -> Models | None:
    """The endpoints that read sentences: those of TWOKEY_MODELS, else the one of the OpenAI settings, else none.

    Raises ConfigError with file, line and key of what is wrong.
    """
    if settings.models is not None:
        return endpoints.load(settings.models)
    if not settings.model_configured:
        return None
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
    return endpoints.single(settings.openai_base_url, key, settings.model)
