"""The outside: Slack, the command line, settings, the playground, and the one place that assembles the program."""
