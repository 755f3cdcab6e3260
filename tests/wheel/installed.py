"""The product as it is installed elsewhere: the wheel with the runtime lock alone, on a tree that nobody may write.

Its processes run as a user without privileges who has nothing but the environment that a test gives.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Installed", "Role", "install"]

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("services", "workflows", "cli", "protos", "third_party", "tools")
FILES = ("pyproject.toml", "README.md", "LICENSE")
NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
START_SECONDS = 120.0
COMMAND_SECONDS = 120.0

PROBE = """
import json, os, sys
from pathlib import Path

def is_refused(path, flags):
    try:
        os.close(os.open(path, flags, 0o600))
    except OSError:
        return True
    return False

def writable(directory):
    yield from (
        str(path)
        for path in (directory, *directory.rglob("*"))
        if not path.is_symlink()
        and not is_refused(path / "new" if path.is_dir() else path, os.O_WRONLY | (os.O_CREAT if path.is_dir() else 0))
    )

status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
found = {"uid": os.getuid(), "capabilities": int(status["CapEff"], 16), "writable": list(writable(Path(sys.argv[1])))}
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class Role:
    """A running process and where its output goes."""

    name: str
    process: asyncio.subprocess.Process
    output: Path
    complaints: Path

    def events(self) -> list[str]:
        """Names of the log lines on standard output; every line must be JSON. The SDK's own have none."""
        whole, _, _ = self.output.read_text().rpartition("\n")
        return [json.loads(line).get("event", "") for line in whole.splitlines()]

    async def wait_for_event(self, event: str) -> None:
        async with asyncio.timeout(START_SECONDS):
            while event not in self.events():
                assert self.process.returncode is None, self.complaints.read_text()
                await asyncio.sleep(0.1)

    async def end(self, grace_seconds: float) -> int:
        """Exit status after SIGTERM; TimeoutError when it outlasts its grace."""
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), grace_seconds)


@dataclass(frozen=True, slots=True)
class Installed:
    """An installation: `tree` holds the virtual environment, the secrets and the working directory."""

    tree: Path
    logs: Path

    @property
    def python(self) -> Path:
        return self.tree / "venv" / "bin" / "python"

    @property
    def secrets(self) -> Path:
        return self.tree / "secrets"

    def lock(self) -> None:
        """Take every right to write away and let everybody read."""
        for path in (self.tree, *self.tree.rglob("*")):
            if not path.is_symlink():
                path.chmod((stat.S_IMODE(path.stat().st_mode) | 0o444 | (0o111 if path.is_dir() else 0)) & ~0o222)

    def remove(self) -> None:
        for path in (self.tree, *self.tree.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
        shutil.rmtree(self.tree)

    def picture(self) -> dict[str, tuple[int, int, int]]:
        """Mode, size and time of change of everything in the tree."""
        found = ((path, path.lstat()) for path in (self.tree, *self.tree.rglob("*")))
        return {str(path): (entry.st_mode, entry.st_size, entry.st_mtime_ns) for path, entry in found}

    def probe(self, directory: Path) -> dict[str, object]:
        """What a process of the product is, and what it could write in a directory, by trying."""
        command = (*_unprivileged(), str(self.python), "-c", PROBE, str(directory))
        ended = subprocess.run(command, capture_output=True, check=True, cwd=self.tree / "work", env={})
        found: dict[str, object] = json.loads(ended.stdout)
        return found

    async def start(self, name: str, arguments: tuple[str, ...], environment: Mapping[str, str]) -> Role:
        """Start `python ARGUMENTS` with this environment and no other."""
        output, complaints = self.logs / f"{name}.out", self.logs / f"{name}.err"
        with output.open("wb") as out, complaints.open("wb") as err:
            process = await asyncio.create_subprocess_exec(
                *_unprivileged(),
                str(self.python),
                *arguments,
                cwd=self.tree / "work",
                env=dict(environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        return Role(name, process, output, complaints)

    async def command(self, *arguments: str, environment: Mapping[str, str]) -> tuple[int, str, str]:
        """Status, output and complaints of the console script `socialcare`; TimeoutError when it does not end."""
        process = await asyncio.create_subprocess_exec(
            *_unprivileged(),
            str(self.python.with_name("socialcare")),
            *arguments,
            cwd=self.tree / "work",
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            output, complaints = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
        finally:
            if process.returncode is None:
                process.kill()
        return process.returncode or 0, output.decode(), complaints.decode()


def install(tree: Path, scratch: Path) -> Installed:
    """Build the wheel from a copy of the sources and install it with the runtime lock into `tree`; not locked yet."""
    wheel = _build_wheel(scratch)
    installed = Installed(tree, scratch / "logs")
    for directory in (installed.secrets, tree / "work", installed.logs):
        directory.mkdir()
    uv = Path(sys.executable).with_name("uv")
    venv.create(tree / "venv", symlinks=True, with_pip=not uv.is_file())
    # Copies, never links: the rights are taken away from what is installed, not from a cache.
    quick = (str(uv), "pip", "install", "--python", str(installed.python), "--link-mode=copy", "--compile-bytecode")
    tool = quick if uv.is_file() else (str(installed.python), "-m", "pip", "install")
    lock = ("--require-hashes", "--requirement", str(ROOT / "requirements.lock"))
    if not uv.is_file() or subprocess.run((*tool, "--offline", *lock), check=False, capture_output=True).returncode:
        subprocess.run((*tool, "--quiet", *lock), check=True)
    subprocess.run((*tool, "--quiet", "--no-deps", str(wheel)), check=True)
    return installed


def _build_wheel(scratch: Path) -> Path:
    copy, dist = scratch / "source", scratch / "dist"
    for name in SOURCES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, copy / name)
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(dist))
    # Without the path of the tests' own run, where the generated packages are already.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(build, check=True, cwd=copy, env=environment, capture_output=True)
    (wheel,) = dist.glob("*.whl")
    return wheel


@functools.cache
def _unprivileged() -> tuple[str, ...]:
    """What a command is started with so that it has no privileges: nothing, unless the tests run as root."""
    if os.geteuid() != 0:
        return ()
    works = subprocess.run((*NAMESPACE, "true"), check=False, capture_output=True).returncode == 0
    return NAMESPACE if works else NOBODY
