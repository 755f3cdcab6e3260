"""Generate the import packages of `gen/` from `protos/` and the vendored `buf/validate`.

Runs at build time (the hatch hook) and from `make proto`. The result is written beside the old one and renamed, so that
an interrupted run never leaves half a package.
"""

from __future__ import annotations

import os
import shutil
import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
OURS = ROOT / "protos"
THIRD_PARTY = ROOT / "third_party" / "protos"


def _include_flags() -> list[str]:
    return [f"-I{OURS}", f"-I{THIRD_PARTY}", f"-I{files('grpc_tools').joinpath('_proto')}"]


def _compile(arguments: list[str], sources: list[Path]) -> None:
    status = protoc.main(["protoc", *_include_flags(), *arguments, *map(str, sources)])
    if status != 0:
        raise SystemExit(f"protoc failed with status {status}")


def main() -> None:
    """Write `gen/`, replacing what was there."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    target, fresh = ROOT / "gen", ROOT / "gen.tmp"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    _compile(
        [
            f"--python_out={fresh}",
            f"--pyi_out={fresh}",
            f"--grpc_python_out={fresh}",
            f"--mypy_grpc_out=quiet:{fresh}",
        ],
        sorted(OURS.rglob("*.proto")),
    )
    _compile(
        [f"--python_out={fresh}", f"--pyi_out={fresh}"],
        [THIRD_PARTY / "buf" / "validate" / "validate.proto"],
    )
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)


if __name__ == "__main__":
    main()
