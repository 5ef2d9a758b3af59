"""The subresource `log` of pods."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from bot.playground.town.objects import Object, moment
from bot.playground.town.problems import bad_request, not_found
from bot.playground.town.resources import Resource
from bot.playground.town.world import World


def read(world: World, resource: Resource, namespace: str, name: str, query: Mapping[str, str]) -> str:
    """The container's lines as text. Raises Problem 404, or 400 where there can be no log."""
    with world.present() as town:
        pod = town.store.get("pods", namespace, name)
        if pod is None:
            raise not_found(resource.named, name)
        now, life = town.agenda.at, town.kubelet.lives[namespace, name]
    status = _container(pod, query.get("container", ""), life.workload)
    previous = query.get("previous") == "true"
    if previous:
        run = status["lastState"].get("terminated")
        if run is None:
            raise bad_request(f'previous terminated container "{status["name"]}" in pod "{name}" not found')
        start, end = life.created, moment(run["finishedAt"]) + 1
    else:
        _require_started(pod, status)
        start, end = life.started or life.created, now
    start = max(start, _since(query, now))
    written = [line for line in world.log(namespace, name, start, end) if start <= line[0] <= end]
    if tail := query.get("tailLines"):
        written = written[-int(tail) :] if int(tail) else []
    text = "".join(f"{_prefix(at, query)}{line}\n" for at, line in written)
    return text[: int(query["limitBytes"])] if query.get("limitBytes") else text


def _container(pod: Object, name: str, workload: str) -> Object:
    statuses: list[Object] = pod["status"]["containerStatuses"]
    if not name:
        names = [status["name"] for status in statuses]
        name = workload if workload in names else names[0]
        if len(names) > 1 and workload not in names:
            listed = " ".join(names)
            pod_name = pod["metadata"]["name"]
            raise bad_request(f"a container name must be specified for pod {pod_name}, choose one of: [{listed}]")
    found = next((status for status in statuses if status["name"] == name), None)
    if found is None:
        raise bad_request(f"container {name} is not valid for pod {pod['metadata']['name']}")
    return found


def _require_started(pod: Object, status: Object) -> None:
    waiting = status["state"].get("waiting")
    if not waiting or waiting["reason"] == "CrashLoopBackOff":
        return
    why = {
        "ContainerCreating": "is waiting to start: ContainerCreating",
        "ErrImagePull": "is waiting to start: image can't be pulled",
        "ImagePullBackOff": "is waiting to start: trying and failing to pull image",
    }[waiting["reason"]]
    raise bad_request(f'container "{status["name"]}" in pod "{pod["metadata"]["name"]}" {why}')


def _since(query: Mapping[str, str], now: float) -> float:
    if query.get("sinceTime"):
        return moment(query["sinceTime"])
    return now - float(query["sinceSeconds"]) if query.get("sinceSeconds") else 0.0


def _prefix(at: float, query: Mapping[str, str]) -> str:
    if query.get("timestamps") != "true":
        return ""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z "
