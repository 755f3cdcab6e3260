"""Build hook: contracts are compiled whenever the package is built or installed editable."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class GenerateContracts(BuildHookInterface):  # type: ignore[type-arg]  # hatchling ships no type parameters.
    """Run `tools/genproto.py` before files are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Generate `gen/` for both wheel and editable targets."""
        runpy.run_path(str(Path(self.root) / "tools" / "genproto.py"), run_name="__main__")
