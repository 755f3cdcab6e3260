"""`make container-test`: image, compose stack with stand-ins, a second build, stories over mutual TLS, a clean stop."""

from __future__ import annotations

import os
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
from tests.containers.inspection import check_container, check_image
from tests.containers.podman import Podman, base_image, podman_of_this_machine
from tests.containers.strangers import check_callers

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
VERSION = "container-test"
NEXT = "container-test-next"
"""The same image under another name: the build of a release that follows."""
IMAGE, STAND_IN = f"localhost/socialcare:{VERSION}", f"localhost/socialcare-standin:{VERSION}"
PROJECT = "socialcare-container-test"
PLAYED = ("HSP-01", "AP-01", "INS-01")
SERVICES = tuple(stage.package for stage in Stage)
STARTED = ("postgres", "databases", "migrate", "temporal-schema", "temporal", "register", *SERVICES, WORKER, "rollout")
"""Without Prometheus, Grafana and the Temporal UI, whose images only a registry has."""
READY_SECONDS = 180.0


class Compose:
    """podman-compose on this project's files."""

    def __init__(self, podman: Podman, secrets: Path, ports: Mapping[str, int], version: str = VERSION) -> None:
        self.podman = podman
        self.ports = ports
        published = {f"{name.upper()}_PORT": str(port) for name, port in ports.items()}
        self._environment = {
            **podman.environment,
            **published,
            "SOCIALCARE_SECRETS": str(secrets),
            "SOCIALCARE_VERSION": version,
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

    def container(self, service: str, number: int = 1) -> str:
        """Name of a container of the service."""
        return f"{PROJECT}_{service}_{number}"

    def exit_status(self, container: str) -> int | None:
        """Exit status of a container; None while it runs."""
        state = self.podman.run("inspect", "--format", "{{.State.Running}} {{.State.ExitCode}}", container)
        running, status = state.stdout.split()
        return None if running == "true" else int(status)

    def logs(self, container: str) -> str:
        """The last lines of a container's log."""
        done = self.podman.attempt("logs", "--tail", "40", container)
        return done.stdout + done.stderr

    def is_ready(self, container: str) -> bool:
        """What the container says of itself from inside."""
        probe = ("exec", container, "python", "-m", "services.runtime.probe")
        return self.podman.attempt(*probe).returncode == 0

    def check_end(self, container: str, last: str) -> None:
        """Exit unless the container ended by itself, with status 0 and its last line."""
        status, logs = self.exit_status(container), self.logs(container)
        if status != 0 or last not in logs:
            sys.exit(f"{container} ended with {status}\n{logs}")


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


def wait_for(what: str, holds: Callable[[], bool], explain: Callable[[], str]) -> None:
    give_up = time.monotonic() + READY_SECONDS
    while not holds():
        if time.monotonic() > give_up:
            sys.exit(f"{what} did not happen within {READY_SECONDS:.0f} s\n{explain()}")
        time.sleep(0.5)


def start(compose: Compose) -> None:
    """Start everything; ready when the build took over and every service and the worker say so from inside."""
    # All at once: each waits for what it needs by itself. podman 4.3 starts nothing that depends on an ended one-shot.
    compose("up", "--detach", "--no-deps", *STARTED)
    for container in map(compose.container, ("databases", "migrate", "register", "rollout")):
        wait_for(
            f"{container} succeeding",
            lambda name=container: compose.exit_status(name) == 0,
            lambda name=container: compose.logs(name),
        )
    for container in map(compose.container, (*SERVICES, WORKER)):
        wait_until_ready(compose, container)


def wait_until_ready(compose: Compose, container: str) -> None:
    wait_for(f"{container} being ready", lambda: compose.is_ready(container), lambda: compose.logs(container))


def release(compose: Compose, following: Compose) -> None:
    """A second build takes over beside the first one, which goes (docs/deployment.md, Two builds on Compose)."""
    first, second = compose.container(WORKER), compose.container(WORKER, 2)
    compose.podman.run("tag", IMAGE, f"localhost/socialcare:{NEXT}")
    following("up", "--detach", "--no-deps", "--no-recreate", "--scale", f"{WORKER}=2", WORKER)
    wait_until_ready(compose, second)
    rollout = ("run", "--rm", "--no-deps", "-T", "rollout")
    listed = following(*rollout, "socialcare", "rollout", NEXT, "--percent", "10")
    if f"{VERSION}  current" not in listed or f"{NEXT}  ramping, 10 percent" not in listed:
        sys.exit(f"the second build is not on trial beside the first one:\n{listed}")
    listed = following(*rollout)
    if f"{NEXT}  current" not in listed:
        sys.exit(f"the second build did not take over:\n{listed}")
    if not compose.is_ready(first):
        sys.exit(f"the first build does not go on beside the second one\n{compose.logs(first)}")
    compose.podman.run("stop", "--time", "45", first)
    compose.check_end(first, "worker_stopped")


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
        tls=client_of(secrets),
    )
    file = directory / "stack.json"
    file.write_text(state.model_dump_json())
    return file


def client_of(secrets: Path) -> TlsFiles:
    """What a program outside of the stack shows."""
    return TlsFiles(
        authority=secrets / "tls-ca.pem", certificate=secrets / "tls-client.pem", key=secrets / "tls-client.key"
    )


def play(stack: Path) -> None:
    only = [part for story in PLAYED for part in ("--only", story)]
    stories = ROOT / "tests" / "stories" / "public.jsonl"
    command = [sys.executable, "-m", "cli", "play", str(stories), *only, "--stack", str(stack)]
    if subprocess.run(command, check=False, cwd=ROOT).returncode:
        sys.exit("a story went another way than told")


def stop(compose: Compose) -> None:
    """Everything ends by itself on SIGTERM, with status 0 and its last line."""
    second = compose.container(WORKER, 2)
    compose.podman.run("stop", "--time", "45", second)
    compose.check_end(second, "worker_stopped")
    compose("stop", *SERVICES)
    for service in SERVICES:
        compose.check_end(compose.container(service), '"stopped"')


def main() -> None:
    """Exit status 0 when everything held."""
    with tempfile.TemporaryDirectory(prefix="socialcare-containers-") as place:
        directory = Path(place)
        podman = podman_of_this_machine(directory)
        with step("image"):
            build(podman)
        with step("what is in it"):
            check_image(podman, IMAGE)
        secrets = directory / "secrets"
        make_secrets(secrets, "postgres:5432", timedelta(days=1))
        ports = {name: free_port() for name in (*SERVICES, "temporal")}
        compose = Compose(podman, secrets, ports)
        try:
            with step("start"):
                start(compose)
            for name in (*SERVICES, WORKER):
                check_container(podman, compose.container(name))
            for service in SERVICES:
                check_callers(LOOPBACK, ports[service], client_of(secrets), directory)
            with step("a second build"):
                release(compose, Compose(podman, secrets, ports, NEXT))
            play(describe(directory, secrets, ports))
            with step("stop"):
                stop(compose)
        finally:
            podman.attempt("rm", "--force", compose.container(WORKER, 2))
            compose("down", "--volumes")
        for image in (IMAGE, STAND_IN):
            print(f"{image}: {podman.size_of(image)}")


if __name__ == "__main__":
    main()
