"""The terms of a conversion: the versions of its program and of the settings that it saw."""

from linkage.domain.conversions.conversions import Conversion
from linkage.domain.rule_versions import require_known
from linkage.domain.terms.network import NetworkSettings
from linkage.domain.terms.programs import Program
from linkage.tables.dynamodb.batch_reads import Found, Reading
from linkage.tables.programs import reading_program_version
from linkage.tables.settings import reading_settings_version


def reading_terms(conversion: Conversion) -> Reading[tuple[Program, NetworkSettings]]:
    """The terms of a conversion: they never change, so a warm function knows most already.

    Raises LaterReleaseError for terms that only a later release understands.
    """
    program = reading_program_version(conversion.program_id, conversion.program_version)
    settings = reading_settings_version(conversion.settings_version)

    def known(found: Found) -> tuple[Program, NetworkSettings]:
        terms = program.of(found), settings.of(found)
        require_known(*(each.rules for each in terms))
        return terms

    return Reading((*program.places, *settings.places), known)
