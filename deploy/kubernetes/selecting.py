"""Whom the rendered manifests select: refuses a selector that finds nobody; run by `make manifests`.

No schema knows this: a PodDisruptionBudget without a selector is valid and protects nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rendered import TEMPLATES, Documents, judge

Labels = Mapping[str, str]


def wrong_with(documents: Documents) -> list[str]:
    """A line for each budget, service, network policy and monitor that selects nobody, or too many."""
    pods = [
        document["spec"]["template"]["metadata"].get("labels", {})
        for document in documents
        if document["kind"] in TEMPLATES
    ]
    services = [document["metadata"].get("labels", {}) for document in documents if document["kind"] == "Service"]
    wrong: list[str] = []
    for document in documents:
        kind, spec = document["kind"], document.get("spec", {})
        found: list[str] = []
        if kind == "PodDisruptionBudget":
            found += _of_budget(spec, pods)
        elif kind == "Service" and not _selected(spec.get("selector", {}), pods, empty=0):
            found.append("its selector matches no pod template")
        elif kind == "ServiceMonitor" and not _selected(spec["selector"]["matchLabels"], services, empty=0):
            found.append("its selector matches no service")
        elif kind == "NetworkPolicy":
            for where, selector in _of_policy(spec):
                if not _selected(_labels(selector), pods, empty=len(pods)):
                    found.append(f"{where} matches no pod template")
        wrong += [f"{kind} {document['metadata']['name']}: {what}" for what in found]
    return wrong


def _of_budget(spec: Mapping[str, Any], pods: Sequence[Labels]) -> list[str]:
    """A pod under two budgets can never be evicted, so a budget is of one workload alone."""
    number = _selected(_labels(spec.get("selector", {})), pods, empty=0)
    return [] if number == 1 else [f"its selector matches {number} pod templates and not one"]


def _of_policy(spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "podSelector", spec["podSelector"]
    for rule in (*spec.get("ingress", ()), *spec.get("egress", ())):
        for peer in (*rule.get("from", ()), *rule.get("to", ())):
            if "podSelector" in peer and "namespaceSelector" not in peer:
                yield "a podSelector of its peers", peer["podSelector"]


def _labels(selector: Mapping[str, Any]) -> Labels:
    unknown = set(selector) - {"matchLabels"}
    if unknown:
        sys.exit(f"selecting.py does not know {', '.join(sorted(unknown))}")
    labels: Labels = selector.get("matchLabels", {})
    return labels


def _selected(wanted: Labels, candidates: Sequence[Labels], *, empty: int) -> int:
    """How many have all the labels; `empty` says what no labels at all mean."""
    if not wanted:
        return empty
    return sum(wanted.items() <= labels.items() for labels in candidates)


if __name__ == "__main__":
    judge(sys.argv[1:], wrong_with, "every selector of {} files matches")
