"""Evaluating a model service before people meet it: suites, assertions, scores."""
