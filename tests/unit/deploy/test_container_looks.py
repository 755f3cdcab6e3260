"""What `make container-test` looks with, where no container is needed to try it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.containers.inspection import lacks
from tests.containers.strangers import answers_plain_text

HARDENED = """\
Uid:\t65532\t65532\t65532\t65532
Gid:\t65532\t65532\t65532\t65532
NoNewPrivs:\t1
CapPrm:\t0000000000000000
CapEff:\t0000000000000000
CapBnd:\t0000000000000000
CapAmb:\t0000000000000000
overlay / overlay ro,relatime,lowerdir=/x 0 0
tmpfs /dev tmpfs rw,nosuid 0 0
"""


@contextlib.contextmanager
def listening(behave: Callable[[socket.socket], None]) -> Iterator[tuple[str, int]]:
    """The address of somebody who treats the first caller so."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                behave(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()
        thread.join()


def hang_up(connection: socket.socket) -> None:
    connection.recv(1024)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def answer(connection: socket.socket) -> None:
    connection.recv(1024)
    connection.sendall(b"settings")


@pytest.mark.parametrize(("behave", "answers"), [(hang_up, False), (reset, False), (answer, True)])
def test_who_hangs_up_or_resets_has_not_answered(behave: Callable[[socket.socket], None], answers: bool) -> None:
    with listening(behave) as (host, port):
        assert answers_plain_text(host, port) is answers


def test_a_hardened_process_lacks_nothing_and_an_unknown_one_everything() -> None:
    assert lacks(HARDENED) == []
    assert len(lacks("")) == 4


@pytest.mark.parametrize(
    ("hardened", "lax"),
    [("CapBnd:\t0", "CapBnd:\t1"), ("\t65532\n", "\t0\n"), ("Privs:\t1", "Privs:\t0"), ("ro,relatime", "rw,relatime")],
)
def test_each_thing_that_is_missing_is_told(hardened: str, lax: str) -> None:
    assert len(lacks(HARDENED.replace(hardened, lax))) == 1
