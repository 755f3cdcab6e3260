"""Opaque ids: UUID version 7, so that rows of one time lie together in an index."""

from __future__ import annotations

import os
import uuid

from services.runtime.clock import SystemClock

__all__ = ["new_id"]


def new_id() -> str:
    """A fresh id, 36 characters; it tells when it was made and nothing else."""
    milliseconds = int(SystemClock().now().timestamp() * 1000)
    chance = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & (1 << 48) - 1) << 80 | chance
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))
