"""Whether Slack would take these blocks: the limits and shapes of its Block Kit reference, as tables.

Source: docs.slack.dev/reference/block-kit (blocks, block elements, composition objects, views) and Slack's own
answers. Where Slack gives a limit in one place only, that place is named at the rule.
"""

from bot.playground.emulator.blockkit.surfaces import check_message, check_view

__all__ = ["check_message", "check_view"]
