"""Terms: the versions of a program and of the network's settings that a report saw."""

from linkage.conversions import Conversion
from linkage.network import NetworkSettings
from linkage.programs import Program
from linkage.tables.gathering import Reading
from linkage.tables.programs import reading_program_version
from linkage.tables.settings import reading_settings_version


def reading_terms(conversion: Conversion) -> Reading[tuple[Program, NetworkSettings]]:
    """The terms of a conversion: they never change, so a warm function knows most already."""
    program = reading_program_version(conversion.program_id, conversion.program_version)
    settings = reading_settings_version(conversion.settings_version)
    return Reading(
        (*program.places, *settings.places),
        lambda found: (program.of(found), settings.of(found)),
    )
