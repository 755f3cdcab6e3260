"""podman as this machine can run it, and the base image where no registry can be reached."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Podman", "base_image", "podman_of_this_machine"]

OFFICIAL = "python:3.11-slim-bookworm"
LOCAL = "localhost/socialcare-base:bookworm"
PULL_SECONDS = 60
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
SETTINGS = """
[containers]
default_ulimits = ["nofile=8192:8192", "nproc=8192:8192"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
{runtime}
{network}
"""
"""Modest limits and no systemd: what an unprivileged virtual machine and a CI runner allow, too."""


@dataclass(frozen=True, slots=True)
class Podman:
    """The program, with settings that work here."""

    environment: Mapping[str, str]

    def run(self, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        """Output of a command that must succeed."""
        done = self.attempt(*arguments, **options)
        if done.returncode:
            sys.exit(f"podman {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        return done

    def attempt(self, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        """Output of a command that may fail."""
        return subprocess.run(  # type: ignore[call-overload,no-any-return]
            ["podman", *arguments], env=self.environment, capture_output=True, text=True, check=False, **options
        )

    def build(self, tag: str, containerfile: Path, context: Path, arguments: Mapping[str, str]) -> None:
        """Build an image; layers of an earlier build are used again."""
        secret = ["--secret", f"id=ca,src={AUTHORITIES}"] if AUTHORITIES.is_file() else []
        given = [part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")]
        # HEALTHCHECK exists in this format only. The host's network: a build resolves names as the host does.
        self.run(
            *("build", "--format", "docker", "--network", "host", *secret, *given, "--tag", tag),
            *("--file", str(containerfile), str(context)),
        )

    def size_of(self, image: str) -> str:
        """Size of an image in MB, its base included."""
        found = json.loads(self.run("image", "inspect", image).stdout)[0]
        return f"{found['Size'] / 1e6:.0f} MB"


def podman_of_this_machine(directory: Path) -> Podman:
    """podman with settings under `directory`, unless CONTAINERS_CONF names others."""
    if shutil.which("podman") is None:
        sys.exit("podman is not installed: apt-get install podman netavark aardvark-dns runc")
    environment = dict(os.environ)
    if "CONTAINERS_CONF" not in environment:
        file = directory / "containers.conf"
        runtime = 'runtime = "runc"' if shutil.which("runc") else ""
        # Only this one lets containers find each other by name.
        network = '[network]\nnetwork_backend = "netavark"' if Path("/usr/lib/podman/netavark").exists() else ""
        file.write_text(SETTINGS.format(runtime=runtime, network=network))
        environment["CONTAINERS_CONF"] = str(file)
    return Podman(environment)


def base_image(podman: Podman) -> str:
    """The official image where a registry answers, else Debian with its Python, made here once."""
    for image in (LOCAL, OFFICIAL):
        if podman.attempt("image", "exists", image).returncode == 0:
            return image
    try:
        if podman.attempt("pull", "--quiet", OFFICIAL, timeout=PULL_SECONDS).returncode == 0:
            return OFFICIAL
    except subprocess.TimeoutExpired:
        pass
    print("no registry answers: making the base image with debootstrap", flush=True)
    return _made_here(podman)


def _made_here(podman: Podman) -> str:
    if shutil.which("debootstrap") is None or os.geteuid() != 0:
        sys.exit("the base image is made by debootstrap, as root: apt-get install debootstrap")
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "root"
        packages = "--include=python3,python3-venv,ca-certificates"
        subprocess.run(
            ["debootstrap", "--variant=minbase", packages, "bookworm", str(root), _mirror()],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for name in ("proc", "sys"):
            subprocess.run(["umount", str(root / name)], check=False, capture_output=True)
        for cache in ("var/cache/apt/archives", "var/lib/apt/lists"):
            shutil.rmtree(root / cache)
        with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as tar:
            podman.run("import", "--change", 'CMD ["python3"]', "-", LOCAL, stdin=tar.stdout)
    return LOCAL


def _mirror() -> str:
    """Where this machine's own packages come from."""
    lines: Sequence[str] = ()
    for file in (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list")):
        lines = file.read_text().splitlines() if file.is_file() else ()
        for line in lines:
            words = line.split()
            if line.startswith("URIs:"):
                return words[1]
            if line.startswith("deb "):
                return next(word for word in words if "://" in word)
    sys.exit("no Debian mirror in /etc/apt/sources.list.d/debian.sources or /etc/apt/sources.list")
