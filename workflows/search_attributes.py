"""The typed registry of search attributes (design section 6) and its registration.

SQL visibility allows ten Keyword attributes and three of each other type: nine, three, one and one are used.
"""

from __future__ import annotations

from typing import Any

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey

from services.kernel.case_flow import SearchAttribute

__all__ = [
    "BILLING_MONTH",
    "CASE_STAGE",
    "CHANGED_AT",
    "DISTRICT",
    "DUE_AT",
    "ESCALATION_RUNG",
    "LIMIT_KIND",
    "MUNICIPALITY",
    "OUTCOME",
    "OVERDUE",
    "REGISTRY",
    "SERVICE_CODE",
    "WAITING_FOR",
    "WAITING_SINCE",
    "WAITING_UNIT",
    "SearchAttributeTypeConflictError",
    "register_search_attributes",
]

CASE_STAGE = SearchAttributeKey.for_keyword(SearchAttribute.CASE_STAGE.value)
"""Where the flow stands: DOCUMENTS, ASSESSMENT, ELIGIBILITY, PLACEMENT, CARE, or the run's phase."""
WAITING_FOR = SearchAttributeKey.for_keyword(SearchAttribute.WAITING_FOR.value)
"""Role that must act next; unset when nobody must."""
WAITING_UNIT = SearchAttributeKey.for_keyword(SearchAttribute.WAITING_UNIT.value)
"""Code of the directorate or office that must act."""
SERVICE_CODE = SearchAttributeKey.for_keyword(SearchAttribute.SERVICE_CODE.value)
MUNICIPALITY = SearchAttributeKey.for_keyword(SearchAttribute.MUNICIPALITY.value)
DISTRICT = SearchAttributeKey.for_keyword(SearchAttribute.DISTRICT.value)
LIMIT_KIND = SearchAttributeKey.for_keyword(SearchAttribute.LIMIT_KIND.value)
"""Time limit that runs."""
OUTCOME = SearchAttributeKey.for_keyword(SearchAttribute.OUTCOME.value)
"""How it ended, or the reason for which a service refused to go on."""
BILLING_MONTH = SearchAttributeKey.for_keyword(SearchAttribute.BILLING_MONTH.value)
DUE_AT = SearchAttributeKey.for_datetime(SearchAttribute.DUE_AT.value)
"""First instant that is too late, or at which something begins."""
WAITING_SINCE = SearchAttributeKey.for_datetime(SearchAttribute.WAITING_SINCE.value)
CHANGED_AT = SearchAttributeKey.for_datetime(SearchAttribute.CHANGED_AT.value)
OVERDUE = SearchAttributeKey.for_bool(SearchAttribute.OVERDUE.value)
ESCALATION_RUNG = SearchAttributeKey.for_int(SearchAttribute.ESCALATION_RUNG.value)
"""Calls on the office head so far (L-06)."""

REGISTRY: tuple[SearchAttributeKey[Any], ...] = (
    CASE_STAGE,
    WAITING_FOR,
    WAITING_UNIT,
    SERVICE_CODE,
    MUNICIPALITY,
    DISTRICT,
    LIMIT_KIND,
    OUTCOME,
    BILLING_MONTH,
    DUE_AT,
    WAITING_SINCE,
    CHANGED_AT,
    OVERDUE,
    ESCALATION_RUNG,
)
"""Every search attribute of the system."""


class SearchAttributeTypeConflictError(Exception):
    """The namespace has an attribute of that name and another type; its name is the argument."""


async def register_search_attributes(client: Client) -> list[str]:
    """Add what the client's namespace lacks and answer the names added; may be repeated.

    SearchAttributeTypeConflictError when a name is taken by another type.
    """
    present = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing: dict[str, IndexedValueType.ValueType] = {}
    for key in REGISTRY:
        wanted = IndexedValueType.ValueType(key.indexed_value_type)
        found = present.custom_attributes.get(key.name)
        if found is None:
            missing[key.name] = wanted
        elif found != wanted:
            raise SearchAttributeTypeConflictError(key.name)
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )
    return list(missing)
