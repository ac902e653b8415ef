"""How every command ends: what a user can cause is one sentence and a stable exit code."""

import io
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import typer
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException
from typer.core import TyperGroup

from linkage_cli.errors import CommandError, ExitCode

AWS_ERRORS = (BotoCoreError, ClientError, PynamoDBException)


class AwsError(CommandError):
    """AWS could not be reached, or refused."""

    exit_code = ExitCode.unreachable


class Commands(TyperGroup):
    """A group of commands whose errors end in one sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command that was asked for; never raises what a user can cause."""
        with sentences():
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result


def commands(help_text: str) -> typer.Typer:
    """A group of commands, to which its module adds them."""
    return typer.Typer(
        help=help_text,
        cls=Commands,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )


@contextmanager
def sentences() -> Iterator[None]:
    """Turns what is raised within into what the user is told, and exits."""
    try:
        yield
    except (SystemExit, typer.Exit, typer.Abort, typer.TyperException):
        raise
    except CommandError as error:
        _end(str(error), error.exit_code)
    except AWS_ERRORS as error:
        _end(f"AWS could not be asked, or refused: {error}", ExitCode.unreachable)
    except KeyboardInterrupt:
        _end("Interrupted.", ExitCode.interrupted)
    except BrokenPipeError:
        _nothing_more_to_stdout()
        raise SystemExit(ExitCode.pipe_closed) from None
    except OSError as error:
        if error.filename is None and _cannot_be_written():
            _nothing_more_to_stdout()
        _end(_of_file(error), ExitCode.file)
    except Exception as error:  # noqa: BLE001 (the last resort: it is shown and named a bug)
        if _is_refusal(error):
            _end(str(error), ExitCode.refused)
        traceback.print_exc()
        _end(
            "This is a bug in Linkage and nothing you did. Please report it, with the lines above "
            "and the command as you gave it.",
            ExitCode.bug,
        )


@contextmanager
def aws_errors(failed: str, then: str = "") -> Iterator[None]:
    """Says of an error of AWS what failed by it, and what to do then; raises AwsError."""
    try:
        yield
    except AWS_ERRORS as error:
        raise AwsError(f"{failed}: {error} {then}".rstrip()) from error


def _is_refusal(error: Exception) -> bool:
    """Whether the product refused. Not imported above: the auditor shares no code with it."""
    from linkage.domain.errors import LinkageError

    return isinstance(error, LinkageError)


def _of_file(error: OSError) -> str:
    where = error.filename if error.filename is not None else "What the command prints"
    why = (error.strerror or str(error)).lower()
    return f"{where} cannot be read or written: {why}."


def _cannot_be_written() -> bool:
    try:
        sys.stdout.flush()
    except OSError:
        return True
    return False


def _nothing_more_to_stdout() -> None:
    """So that Python, flushing it as it ends, does not fail a second time."""
    with suppress(io.UnsupportedOperation), open(os.devnull, "w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _end(sentence: str, code: int) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise SystemExit(int(code))
