"""Build hook: contracts are compiled whenever the package is built or installed editable."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class GenerateContracts(BuildHookInterface):  # type: ignore[type-arg]  # hatchling ships no type parameters.
    """Run `tools/genproto.py` before files are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Generate `gen/` for both wheel and editable targets."""
        sys.path.insert(0, str(Path(self.root) / "tools"))
        import genproto

        genproto.main()
