"""A Slack on the wire: Web API, Socket Mode and HTTP events, views, files, and a control API for the page."""

from bot.playground.emulator.server import Emulator

__all__ = ["Emulator"]
