"""In which language a worker's workflows speak to operators."""

from __future__ import annotations

from temporalio import workflow
from temporalio.worker import Interceptor, WorkflowInboundInterceptor, WorkflowInterceptorClassInput

from workflows.texts import Language

__all__ = ["LanguageInterceptor", "language"]

_LANGUAGE = "socialcare_language"


class LanguageInterceptor(Interceptor):
    """Tells workflows the worker's language."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:  # noqa: A002  # the SDK names it.
        chosen = self._language.value
        input.unsafe_extern_functions[_LANGUAGE] = lambda: chosen
        return WorkflowInboundInterceptor


def language() -> Language:
    """Language of the worker; Bulgarian where it says nothing."""
    asked = workflow.extern_functions().get(_LANGUAGE)
    return Language.BG if asked is None else Language(asked())
