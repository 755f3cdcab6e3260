"""Strict validation of the kinds for which Kubernetes itself has no schema; run by `make manifests`.

Every field that is not in the schema below is an error, as is any further kind of a custom resource.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import jsonschema
import yaml

LABELS = {"type": "object", "additionalProperties": {"type": "string"}}


def closed(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:  # noqa: ANN401 JSON Schema
    """An object with these fields and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


TEXT = {"type": "string", "minLength": 1}
RELABELING = closed(
    ("sourceLabels", "targetLabel"), sourceLabels={"type": "array", "items": TEXT, "minItems": 1}, targetLabel=TEXT
)
ENDPOINT = closed(
    ("port",),
    port=TEXT,
    interval={"type": "string", "pattern": r"^\d+[ms]$"},
    relabelings={"type": "array", "items": RELABELING},
)
SCHEMAS = {
    ("monitoring.coreos.com/v1", "ServiceMonitor"): closed(
        ("apiVersion", "kind", "metadata", "spec"),
        apiVersion=TEXT,
        kind=TEXT,
        metadata=closed(("name",), name=TEXT, namespace=TEXT, labels=LABELS),
        spec=closed(
            ("selector", "endpoints"),
            jobLabel=TEXT,
            selector=closed(("matchLabels",), matchLabels=LABELS),
            endpoints={"type": "array", "items": ENDPOINT, "minItems": 1},
        ),
    )
}
OWN_GROUPS = ("v1", "apps/", "batch/", "policy/", "autoscaling/", "networking.k8s.io/")


def main(files: list[str]) -> None:
    """Exit with the first thing that is wrong."""
    seen = 0
    for file in files:
        for document in yaml.safe_load_all(Path(file).read_text(encoding="utf-8")):
            if document["apiVersion"].startswith(OWN_GROUPS):
                continue
            schema = SCHEMAS.get((document["apiVersion"], document["kind"]))
            if schema is None:
                sys.exit(f"{file}: no schema for {document['apiVersion']} {document['kind']}")
            jsonschema.validate(document, schema)
            seen += 1
    print(f"{seen} custom resources are valid")


if __name__ == "__main__":
    main(sys.argv[1:])
