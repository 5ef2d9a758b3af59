"""Definitions of the custom resources that GitOps tools follow, for an API server that has none of these tools.

Written for these tests after the vendors' reference pages, with the fields that Twokey reads or writes and no others;
unknown fields are pruned, and what has a status subresource there has one here:
- Application, argoproj.io/v1alpha1, Argo CD 3: https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml
  and /user-guide/application-specification/. No status subresource.
- HelmRelease, helm.toolkit.fluxcd.io/v2, Flux 2: https://fluxcd.io/flux/components/helm/api/v2/
- Rollout, argoproj.io/v1alpha1, Argo Rollouts 1: https://argo-rollouts.readthedocs.io/en/stable/features/specification/.
  Subresources status and scale; its `observedGeneration` is a text.
- Kustomization, kustomize.toolkit.fluxcd.io/v1, Flux 2: https://fluxcd.io/flux/components/kustomize/api/v1/
"""

from __future__ import annotations

from typing import Any

from tests.cluster.control_plane import Json

_ANY: Json = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_TEXT: Json = {"type": "string"}
_FLAG: Json = {"type": "boolean"}
_NUMBER: Json = {"type": "integer", "format": "int64"}
_TIME: Json = {"type": "string", "format": "date-time"}


def _map(**fields: Json) -> Json:
    return {"type": "object", "properties": fields}


def _list(of: Json) -> Json:
    return {"type": "array", "items": of}


_CONDITION = _map(
    type=_TEXT, status=_TEXT, reason=_TEXT, message=_TEXT, lastTransitionTime=_TIME, observedGeneration=_NUMBER
)
_SOURCE = _map(
    name=_TEXT,
    ref=_TEXT,
    repoURL=_TEXT,
    path=_TEXT,
    chart=_TEXT,
    targetRevision=_TEXT,
    kustomize=_map(images=_list(_TEXT), namePrefix=_TEXT),
    helm=_map(
        parameters=_list(_map(name=_TEXT, value=_TEXT, forceString=_FLAG)),
        values=_TEXT,
        valuesObject=_ANY,
        valueFiles=_list(_TEXT),
    ),
)
_OPERATION = _map(
    initiatedBy=_map(username=_TEXT, automated=_FLAG),
    info=_list(_map(name=_TEXT, value=_TEXT)),
    sync=_map(
        revision=_TEXT,
        revisions=_list(_TEXT),
        prune=_FLAG,
        dryRun=_FLAG,
        source=_SOURCE,
        sources=_list(_SOURCE),
        manifests=_list(_TEXT),
        syncOptions=_list(_TEXT),
        syncStrategy=_map(apply=_map(force=_FLAG), hook=_map(force=_FLAG)),
    ),
)
_APPLICATION = _map(
    spec=_map(
        project=_TEXT,
        source=_SOURCE,
        sources=_list(_SOURCE),
        destination=_map(server=_TEXT, name=_TEXT, namespace=_TEXT),
        syncPolicy=_map(automated=_map(prune=_FLAG, selfHeal=_FLAG, allowEmpty=_FLAG, enabled=_FLAG)),
    ),
    operation=_OPERATION,
    status=_map(
        sync=_map(
            status=_TEXT,
            revision=_TEXT,
            revisions=_list(_TEXT),
            comparedTo=_map(source=_SOURCE, sources=_list(_SOURCE)),
        ),
        health=_map(status=_TEXT, message=_TEXT, lastTransitionTime=_TIME),
        operationState=_map(
            phase=_TEXT,
            message=_TEXT,
            operation=_OPERATION,
            startedAt=_TIME,
            finishedAt=_TIME,
            syncResult=_map(revision=_TEXT, revisions=_list(_TEXT), source=_SOURCE, sources=_list(_SOURCE)),
        ),
        history=_list(
            _map(
                id=_NUMBER,
                revision=_TEXT,
                revisions=_list(_TEXT),
                deployedAt=_TIME,
                source=_SOURCE,
                sources=_list(_SOURCE),
            )
        ),
        conditions=_list(_map(type=_TEXT, message=_TEXT, lastTransitionTime=_TIME)),
        reconciledAt=_TIME,
    ),
)
_RECONCILED = {
    "observedGeneration": _NUMBER,
    "lastHandledReconcileAt": _TEXT,
    "lastAttemptedRevision": _TEXT,
    "conditions": _list(_CONDITION),
}
_REFERENCE = _map(kind=_TEXT, name=_TEXT, namespace=_TEXT)
_HELM_RELEASE = _map(
    spec=_map(
        interval=_TEXT,
        suspend=_FLAG,
        chart=_map(spec=_map(chart=_TEXT, version=_TEXT, sourceRef=_REFERENCE)),
        values=_ANY,
        driftDetection=_map(mode=_TEXT),
    ),
    status=_map(
        **_RECONCILED,
        history=_list(_map(chartVersion=_TEXT, version=_NUMBER, status=_TEXT, lastDeployed=_TIME)),
    ),
)
_KUSTOMIZATION = _map(
    spec=_map(
        interval=_TEXT,
        suspend=_FLAG,
        path=_TEXT,
        prune=_FLAG,
        targetNamespace=_TEXT,
        sourceRef=_REFERENCE,
        images=_list({**_map(name=_TEXT, newName=_TEXT, newTag=_TEXT, digest=_TEXT), "required": ["name"]}),
        postBuild=_map(substitute={"type": "object", "additionalProperties": _TEXT}),
    ),
    status=_map(**_RECONCILED, lastAppliedRevision=_TEXT),
)

_ROLLOUT = _map(
    spec=_map(
        replicas=_NUMBER,
        selector=_map(matchLabels={"type": "object", "additionalProperties": _TEXT}),
        template=_ANY,
        paused=_FLAG,
        workloadRef=_REFERENCE,
        strategy=_map(
            canary=_map(steps=_list(_map(setWeight=_NUMBER, pause=_map(duration=_NUMBER)))),
            blueGreen=_map(
                activeService=_TEXT, previewService=_TEXT, autoPromotionEnabled=_FLAG, autoPromotionSeconds=_NUMBER
            ),
        ),
    ),
    status=_map(
        observedGeneration=_TEXT,
        phase=_TEXT,
        message=_TEXT,
        abort=_FLAG,
        abortedAt=_TIME,
        promoteFull=_FLAG,
        pauseConditions=_list(_map(reason=_TEXT, startTime=_TIME)),
        currentStepIndex=_NUMBER,
        currentPodHash=_TEXT,
        stableRS=_TEXT,
        blueGreen=_map(activeSelector=_TEXT, previewSelector=_TEXT),
        replicas=_NUMBER,
        updatedReplicas=_NUMBER,
        readyReplicas=_NUMBER,
        availableReplicas=_NUMBER,
        HPAReplicas=_NUMBER,
        selector=_TEXT,
    ),
)


def _definition(group: str, version: str, kind: str, plural: str, schema: Json, **subresources: Any) -> Json:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": subresources,
                }
            ],
        },
    }


DEFINITIONS = (
    _definition("argoproj.io", "v1alpha1", "Application", "applications", _APPLICATION),
    _definition("helm.toolkit.fluxcd.io", "v2", "HelmRelease", "helmreleases", _HELM_RELEASE, status={}),
    _definition(
        "argoproj.io",
        "v1alpha1",
        "Rollout",
        "rollouts",
        _ROLLOUT,
        status={},
        scale={"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.HPAReplicas"},
    ),
    _definition("kustomize.toolkit.fluxcd.io", "v1", "Kustomization", "kustomizations", _KUSTOMIZATION, status={}),
)
