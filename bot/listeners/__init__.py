"""Slack's events, clicks and forms, taken in through Bolt: acknowledged at once, worked on once, answered elsewhere."""
