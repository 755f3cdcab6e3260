"""Entry point of the `socialcare` command."""

from __future__ import annotations

import os
import sys

import typer

from cli import (
    deployment_commands,
    import_commands,
    maintenance_commands,
    rule_commands,
    stack_commands,
    story_commands,
)
from cli.local.errors import LocalStackError
from services.runtime.complaints import StartRefused

__all__ = ["app", "run"]

app = typer.Typer(
    name="socialcare",
    help="Case flow of municipal social care: application, home visit, placement, delivery, billing.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command(rich_help_panel="Local stack")(stack_commands.up)
app.command(rich_help_panel="Local stack")(stack_commands.down)
app.command(rich_help_panel="Local stack")(stack_commands.token)
app.command(rich_help_panel="Stories")(story_commands.demo)
app.command(rich_help_panel="Stories")(story_commands.advance)
app.command(rich_help_panel="Stories")(story_commands.play)
app.command(rich_help_panel="Stories")(rule_commands.check_rules)
app.command(rich_help_panel="One-shot")(stack_commands.migrate)
app.command(rich_help_panel="One-shot")(stack_commands.register)
app.command(rich_help_panel="Deployment")(deployment_commands.secrets)
app.command(rich_help_panel="Deployment")(deployment_commands.databases)
app.command(rich_help_panel="Deployment")(deployment_commands.rollout)
app.command("import", rich_help_panel="One-shot")(import_commands.import_file)
app.command(rich_help_panel="One-shot")(maintenance_commands.schedules)
app.command(rich_help_panel="One-shot")(maintenance_commands.reconcile)


def run() -> None:
    """Run the command and end the process."""
    status = _status()
    sys.stdout.flush()
    sys.stderr.flush()
    # The Temporal SDK's native threads may abort an ordinary interpreter exit; everything of ours is closed by now.
    os._exit(status)


def _status() -> int:
    try:
        app()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except (LocalStackError, StartRefused) as error:
        typer.secho(str(error), err=True, fg=typer.colors.RED)
        return 1
    return 0
