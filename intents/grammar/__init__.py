"""Reads a sentence without a model: it understands every word of it, or it abstains."""
