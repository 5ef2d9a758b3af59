"""Contracts that the playground's doubles share with the real thing: the same suite runs against both."""
