"""Town: a small simulated cluster behind the real wire formats of Kubernetes, Prometheus, Loki and OpenAI."""
