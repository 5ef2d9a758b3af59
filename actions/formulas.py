"""Typed metrics as PromQL: default templates over the de-facto metric names, and the catalogue's own instead.

The formulas are the usual ones. Rate, errors, duration: Tom Wilkie's RED method. Quantiles: `histogram_quantile`
over the summed rates of the buckets, as Prometheus' documentation ("Histograms and summaries") has it. CPU, memory
and restarts: cAdvisor's and kube-state-metrics' names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from actions.catalog import Catalog

Metric = Literal["request_rate", "error_rate", "latency_p50", "latency_p95", "latency_p99", "cpu", "memory", "restarts"]

_REQUESTS = 'http_requests_total{namespace="{namespace}",service="{service}"}'
_ERRORS = 'http_requests_total{namespace="{namespace}",service="{service}",code=~"5.."}'
_BUCKETS = 'http_request_duration_seconds_bucket{namespace="{namespace}",service="{service}"}'
_PODS = '{namespace="{namespace}",pod=~"{workload}-.+",container="{container}"}'
_FIELD = re.compile(r"\{(namespace|service|workload|window|container)\}")


def _quantile(q: str) -> str:
    return f"histogram_quantile({q}, sum by (le) (rate({_BUCKETS}[{{window}}])))"


DEFAULTS: Mapping[Metric, str] = {
    "request_rate": f"sum(rate({_REQUESTS}[{{window}}]))",  # requests a second
    # a service without a single error has no 5xx series at all: that is 0, not "no data"
    "error_rate": f"(sum(rate({_ERRORS}[{{window}}])) or vector(0)) / sum(rate({_REQUESTS}[{{window}}]))",  # 0 to 1
    "latency_p50": _quantile("0.5"),  # seconds
    "latency_p95": _quantile("0.95"),
    "latency_p99": _quantile("0.99"),
    "cpu": f"sum(rate(container_cpu_usage_seconds_total{_PODS}[{{window}}]))",  # cores, all pods
    "memory": f"max(container_memory_working_set_bytes{_PODS})",  # bytes, the fullest pod: that one is killed first
    "restarts": f"sum(kube_pod_container_status_restarts_total{_PODS})",  # of the pods that are there
}


def query(catalog: Catalog, metric: Metric, service: str, environment: str, window: str) -> str:
    """The PromQL of a metric of a service; `window` is the range its rates look over, like `5m`.

    Raises UnknownService or UnknownEnvironment.
    """
    template = catalog.services[service].metrics.get(metric) if service in catalog.services else None
    return fill(template or DEFAULTS[metric], catalog, service, environment, window)


def fill(template: str, catalog: Catalog, service: str, environment: str, window: str = "5m") -> str:
    """A template with {namespace} {service} {workload} {window} {container} filled in; other braces stay.

    The names come from the catalogue, where they can hold no quote. Raises UnknownService or UnknownEnvironment.
    """
    ref = catalog.ref(service, environment)
    values = {
        "namespace": ref.namespace,
        "service": service,
        "workload": ref.name,
        "window": window,
        "container": catalog.container(service),
    }
    return _FIELD.sub(lambda match: values[match[1]], template)


def rate_window(step: float) -> str:
    """The range for rates in a chart with a point every `step` seconds: two steps, and never under two minutes.

    Under that a Prometheus that scrapes once a minute has no two samples to make a rate of.
    """
    return f"{max(120, round(step * 2))}s"
