"""The playground: a Slack on the wire and a small town of services, for trying everything without any account."""
