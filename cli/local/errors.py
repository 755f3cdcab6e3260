"""What can stand in the way of a local stack.

LocalStackError
├── AlreadyRunning      another supervisor holds this state directory
├── PortTaken           another program listens where we would
├── ProgramMissing      no PostgreSQL or Temporal server can be found
├── StartFailed         a process ended, or was not ready in time
└── StateUnreadable     `.socialcare/stack.json` is absent or of another make
"""

from __future__ import annotations


class LocalStackError(RuntimeError):
    """Something the person at the keyboard can put right; the text says how."""


class AlreadyRunning(LocalStackError):
    """Another supervisor holds this state directory."""


class PortTaken(LocalStackError):
    """Another program listens where we would."""


class ProgramMissing(LocalStackError):
    """No PostgreSQL or Temporal server can be found."""


class StartFailed(LocalStackError):
    """A process ended, or was not ready in time."""


class StateUnreadable(LocalStackError):
    """The description of a running stack is absent or of another make."""
