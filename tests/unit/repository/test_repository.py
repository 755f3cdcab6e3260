"""Laws of the repository that no linter knows."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LOCKS = ("requirements.lock", "requirements-dev.lock")
FURTHER_LOCKS = ("requirements-build.lock", "requirements-ops.lock")
"""What builds the image, and what checks deploy/."""
REGISTRY_HOSTS = re.compile(r"\b(pypi\.org|pythonhosted\.org|npmjs\.(org|com)|docker\.io|ghcr\.io|quay\.io)\b")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(home|root|work|Users)/[\w.-]+")
ASIDE = "tests/contract/test_refusals.py"
"""What the part that runs aside begins with."""
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)


def tracked_texts() -> list[tuple[str, str]]:
    """Every file of the project that is text, with its content."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git work tree")
    here = Path(__file__).relative_to(ROOT).as_posix()
    texts = []
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if name == here or not path.is_file():
            continue
        content = path.read_bytes()
        if b"\0" not in content:
            texts.append((name, content.decode(errors="replace")))
    return texts


def pins(lock: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / lock).read_text()))


def project() -> dict[str, list[str]]:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras: dict[str, list[str]] = declared["optional-dependencies"]
    return {"requirements.lock": declared["dependencies"], "requirements-dev.lock": extras["local"] + extras["dev"]}


@pytest.mark.parametrize("lock", [*LOCKS, *FURTHER_LOCKS])
def test_a_lock_file_names_no_place_to_download_from(lock: str) -> None:
    assert re.findall(r"https?://\S+|--(?:index|find-links)\S*", (ROOT / lock).read_text()) == []


@pytest.mark.parametrize("lock", [*LOCKS, *FURTHER_LOCKS])
def test_every_pin_has_a_hash(lock: str) -> None:
    blocks = re.split(r"^(?=[a-z0-9])", (ROOT / lock).read_text(), flags=re.MULTILINE)[1:]

    assert blocks
    assert [block.partition(" ")[0] for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_declared_dependency_is_locked(lock: str) -> None:
    names = {re.split(r"[\[<>=;~ ]", requirement)[0].lower() for requirement in project()[lock]} - {"socialcare"}

    assert names - pins(lock).keys() == set()


def test_the_development_lock_holds_the_same_versions_as_the_runtime_lock() -> None:
    runtime, development = (pins(lock) for lock in LOCKS)

    assert {name: development.get(name) for name in runtime} == runtime


def test_the_image_is_built_with_what_the_project_says() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    locked = pins("requirements-build.lock")
    assert {name: locked.get(name) for name, _, _ in (each.partition("==") for each in wanted)} == {
        name: version for name, _, version in (each.partition("==") for each in wanted)
    }


def test_no_file_names_a_registry_or_a_place_on_somebodys_machine() -> None:
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in tracked_texts()
        for number, line in enumerate(text.splitlines(), 1)
        if REGISTRY_HOSTS.search(line) or MACHINE_PATHS.search(line)
    ]

    assert found == []


def test_make_test_says_for_which_parts_it_waits_and_fails_with_any_of_them(tmp_path: Path) -> None:
    pytest_of_ours = tmp_path / "pytest"
    pytest_of_ours.write_text('#!/bin/sh\necho "ran $1"\ntest "$1" != "$FAILS"\n')
    pytest_of_ours.chmod(0o755)
    environment = {"PATH": os.environ["PATH"]}
    command = ["make", "--old-file=setup", "test", f"BIN={tmp_path}", f"TEST_LOGS={tmp_path}"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    others, waiting, aside, waiting_again, fault = done.stdout.splitlines()
    assert (others, aside, fault) == ("ran --ignore=tests/fault", f"ran {ASIDE}", "ran tests/fault")
    assert waiting.startswith(f"waiting for {ASIDE}")
    assert waiting_again.startswith("waiting for tests/fault")
    for part in ("--ignore=tests/fault", ASIDE, "tests/fault"):
        failed = subprocess.run(command, cwd=ROOT, env=environment | {"FAILS": part}, capture_output=True, check=False)
        assert failed.returncode != 0


def test_make_help_shows_every_target_people_use() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    targets = set(re.findall(r"^  (\S+) {2,}\S", shown, flags=re.MULTILINE))
    assert {
        "demo",
        "run",
        "test",
        "drill",
        "bench",
        "check",
        "manifests",
        "container-test",
        "lock",
        "clean",
        "setup",
    } <= targets


def test_third_party_files_carry_their_licence() -> None:
    vendored = list((ROOT / "third_party").rglob("*.proto"))

    assert vendored
    for path in vendored:
        assert any((parent / "LICENSE").is_file() for parent in path.parents if ROOT in parent.parents), path
