"""Slack's Web API: one module a family of methods, each a function from a call to its answer."""
