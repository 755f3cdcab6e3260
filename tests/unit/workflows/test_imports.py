from __future__ import annotations

import subprocess
import sys

HEAVY = {"sqlalchemy", "asyncpg", "holidays", "alembic", "structlog", "prometheus_client", "protovalidate", "babel"}


def test_workflow_code_imports_nothing_heavy() -> None:
    program = (
        "import sys, workflows.case.application, workflows.case.care, workflows.daily_delivery, workflows.billing_run;"
        f"print(sorted(set({sorted(HEAVY)!r}) & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"
