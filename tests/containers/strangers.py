"""Who is answered by the published port of a service, and who is not."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cli.local.certificates import Authority
from services.runtime.tls import TlsFiles

__all__ = ["check_callers"]

SECONDS = 10.0


def check_callers(host: str, port: int, ours: TlsFiles, directory: Path) -> None:
    """Answered with a certificate of our authority, refused without one, with one of another, and in plain text."""
    address = f"{host}:{port}"
    stranger = Authority.make(directory / "other-ca.pem").issue("stranger", directory)
    forged = TlsFiles(authority=ours.authority, certificate=stranger.certificate, key=stranger.key)
    if not is_answered(address, ours.channel_credentials()):
        sys.exit(f"{address} does not answer a client with a certificate of our authority")
    if is_answered(address, forged.channel_credentials()):
        sys.exit(f"{address} answers a client with a certificate of another authority")
    if is_answered(address, grpc.ssl_channel_credentials(ours.authority.read_bytes())):
        sys.exit(f"{address} answers a client without a certificate")
    if answers_plain_text(host, port):
        sys.exit(f"{address} answers plain text")


def is_answered(address: str, credentials: grpc.ChannelCredentials) -> bool:
    """Whether the health service answers; a connection that is not made, or cut, is a refusal."""
    with grpc.secure_channel(address, credentials) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                return False
            raise
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def answers_plain_text(host: str, port: int) -> bool:
    """Whether it says anything to the first words of HTTP/2; hanging up, gently or with a reset, is no answer."""
    try:
        with socket.create_connection((host, port), timeout=SECONDS) as connection:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            return bool(connection.recv(1024))
    except (ConnectionResetError, BrokenPipeError):
        return False
