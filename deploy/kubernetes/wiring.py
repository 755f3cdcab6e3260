"""What the containers of the rendered manifests are told and have; run by `make manifests`.

No schema knows this: every file that a setting names lies in something that is mounted, every probe asks a port that is
there.
"""

from __future__ import annotations

import fnmatch
import sys
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from rendered import TEMPLATES, Documents, judge

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
Told = Mapping[str, str]


def wrong_with(documents: Documents) -> list[str]:
    """A line for each file that is not mounted, and each probe without its port."""
    chosen = {one["metadata"]["name"]: one["data"] for one in documents if one["kind"] == "ConfigMap"}
    wrong = []
    for document in documents:
        if document["kind"] not in TEMPLATES:
            continue
        pod = document["spec"]["template"]["spec"]
        for container in pod["containers"]:
            found = [*_files(container, pod, chosen), *_probes(container)]
            wrong += [f"{document['kind']} {document['metadata']['name']}: {what}" for what in found]
    return wrong


def _files(container: Mapping[str, Any], pod: Mapping[str, Any], chosen: Mapping[str, Told]) -> Iterator[str]:
    told = {name: value for source in container.get("envFrom", ()) for name, value in _of_map(source, chosen).items()}
    told |= {one["name"]: one["value"] for one in container.get("env", ()) if "value" in one}
    volumes = {volume["name"]: volume for volume in pod.get("volumes", ())}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in container.get("volumeMounts", ())}
    for name, value in told.items():
        if not name.endswith("_FILE"):
            continue
        file = PurePosixPath(value.replace("{stage}", "*"))
        holding = [volume for path, volume in mounts.items() if fnmatch.fnmatch(path, str(file.parent))]
        if not any(_may_hold(volume, file.name) for volume in holding):
            yield f"{name} names {value}, which nothing that is mounted has"


def _of_map(source: Mapping[str, Any], chosen: Mapping[str, Told]) -> Told:
    return chosen[source["configMapRef"]["name"]]


def _may_hold(volume: Mapping[str, Any], file: str) -> bool:
    items = volume["secret"].get("items")
    return items is None or file in [item["path"] for item in items]


def _probes(container: Mapping[str, Any]) -> Iterator[str]:
    ports = [port["name"] for port in container.get("ports", ())]
    for probe in PROBES:
        if probe in container and container[probe]["httpGet"]["port"] not in ports:
            yield f"its {probe} asks a port that it has not"


if __name__ == "__main__":
    judge(sys.argv[1:], wrong_with, "every file and port that the containers of {} files are told is there")
