"""What a tracking event means for people."""

import sqlalchemy as sa

from domain.reasons import IncidentReason, incident_owner
from resolvers.scope import Scope
from resolvers.sources import Row, Sql
from resolvers.sql.words import word


def reason_owner(event: Row, _scope: Scope) -> Sql:
    """domain.reasons.incident_owner"""
    return sa.case(*((event.c.reason == word(reason), word(incident_owner(reason))) for reason in IncidentReason))
