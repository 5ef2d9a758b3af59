"""From a Slack message to the words that its author typed: mentions, links and escapes taken back."""

from __future__ import annotations

import re

MENTION = re.compile(r"@([UW][A-Z0-9]+)")
"""What `words` makes of a person who was mentioned without a label."""
_ENTITY = re.compile(r"<([^<>]*)>")
_SMALL_TALK = re.compile(r"[\s!.?,;:)(]+")
_HELP = {"help", "hi", "hello", "hey", "what can you do", "how do you work", "usage", "commands", ""}
_THANKS = {"thanks", "thank you", "thx", "ty", "cheers", "thanks a lot", "thank you very much", "merci", "great thanks"}


def words(text: str, bot_user_id: str) -> str:
    """What was typed, without the bot's own mention. Other people and channels keep a readable form."""
    plain = _ENTITY.sub(lambda m: _entity(m[1], bot_user_id), text)
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("\u00a0", " ").strip()


def unaddressed(text: str, bot_user_id: str) -> str:
    """The message as Slack sends it, ids of people included, without the bot's own mention."""
    return re.sub(rf"<@{re.escape(bot_user_id)}(\|[^>]*)?>", "", text).strip()


def is_help(said: str) -> bool:
    """Whether somebody asks what there is, or only says hello."""
    return _bare(said) in _HELP


def is_thanks(said: str) -> bool:
    """Whether somebody says thanks, and nothing else."""
    return _bare(said) in _THANKS


def _bare(said: str) -> str:
    return _SMALL_TALK.sub(" ", said).strip().lower()


def _entity(inner: str, bot_user_id: str) -> str:
    """`@U1|ana`, `#C1|ops`, `https://x|x.io`, `!subteam^S1|@sre`, `!here`, as Slack writes them."""
    target, _, label = inner.partition("|")
    if target.startswith("@"):
        return "" if target[1:] == bot_user_id else f"@{label or target[1:]}"
    if target.startswith("#"):
        return f"#{label or target[1:]}"
    if target.startswith("!"):
        return label or f"@{target[1:]}"
    return label or target.removeprefix("mailto:")
