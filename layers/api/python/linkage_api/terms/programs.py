"""`/v1/programs`: a vendor's terms, every version kept."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from linkage.domain import clock
from linkage.domain.errors import InvalidFieldError
from linkage.domain.ids import fingerprint
from linkage.domain.people.api_keys import Key
from linkage.domain.terms.programs import Program
from linkage.flow.terms import publishing_programs
from linkage_api.answers import answer, created, listed, made
from linkage_api.bodies import read
from linkage_api.calls import PAGE, ROLES, call, checked_id
from linkage_api.terms.program_bodies import ProgramBody, ProgramVersionBody, view

router = Router()


@router.post("/v1/programs")
def create() -> Response[str]:
    """Makes a program of an approved vendor, version 1."""
    asked = call(router, "vendor", "operator", has_body=True)
    body = read(ProgramBody, asked.body)
    request = asked.repeatable("POST /v1/programs")
    done = publishing_programs.create_program(asked.key, body.vendor_id, _terms(body), request)
    if done.replayed:
        return created(view(done.thing), replayed=True)
    return made(view(done.thing), done.warnings)


@router.put("/v1/programs/<program_id>")
def publish(program_id: str) -> Response[str]:
    """Publishes the next version of a program; the same terms again publish nothing."""
    asked = call(router, "vendor", "operator", has_body=True)
    current = publishing_programs.own_program(asked.key, checked_id("program", program_id))
    body = read(ProgramVersionBody, asked.body)
    _require_own(body, current)
    done = publishing_programs.publish_version(
        asked.key, program_id, _terms(body), fingerprint(asked.body), after=body.version
    )
    return made(view(done.thing), done.warnings, status=200)


@router.get("/v1/programs")
def index() -> Response[str]:
    """Current versions, oldest first: a vendor's own, or everybody's."""
    asked = call(router, *ROLES, query=PAGE, of_operators=("vendor_id",))
    vendor_id = asked.asked_for("vendor_id")
    page = publishing_programs.programs(asked.key, vendor_id, *asked.page())
    return listed(page, lambda program: _view(asked.key, program))


@router.get("/v1/programs/<program_id>")
def show(program_id: str) -> Response[str]:
    """A program's current version."""
    asked = call(router, *ROLES)
    program = publishing_programs.own_program(asked.key, checked_id("program", program_id))
    return answer(200, _view(asked.key, program))


def _terms(body: ProgramBody) -> Program:
    """The terms of a body, of no vendor yet."""
    return body.program("", clock.text(clock.now()))


def _require_own(body: ProgramVersionBody, current: Program) -> None:
    """Raises InvalidFieldError if what a GET showed comes back for another program."""
    if body.id not in {None, current.program_id}:
        raise InvalidFieldError("/id", "This is another program's id. Leave id out.")
    if body.vendor_id not in {None, current.vendor_id}:
        raise InvalidFieldError(
            "/vendor_id", "A program stays with its vendor. Leave vendor_id out."
        )


def _view(by: Key, program: Program) -> dict[str, Any]:
    return view(publishing_programs.shown_to(by, program))
