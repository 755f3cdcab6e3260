"""What operators ask of intake in the Temporal UI, carried out in the name of a staff member (design section 5)."""

from __future__ import annotations

from services.intake.api.cases import CaseMethods, Context
from services.intake.storage import reading
from services.kernel.codes import Role
from services.kernel.operator_acts import OperatorVerb
from services.runtime.operator_acts import OperatorWish, in_the_name_of_staff
from socialcare.intake.v1 import intake_service_pb2 as pb

__all__ = ["OperatorMethods"]

_SERVICE = pb.DESCRIPTOR.services_by_name["IntakeService"]


class OperatorMethods(CaseMethods):
    """Part of `IntakeServicer`; named by the contract."""

    async def CancelForOperator(
        self, request: pb.CancelForOperatorRequest, context: Context
    ) -> pb.CancelForOperatorResponse:
        async with self._runtime.db.read() as tx:
            case = await reading.application(tx, request.application_id)
            municipality = await reading.municipality(tx, case.municipality_id)
        asked = self._runtime.call(request.request_id, municipality_id=case.municipality_id, object_id=case.id)
        heads = {office.head_staff_id for office in municipality.offices}
        roles = frozenset({Role.OFFICE_HEAD} if request.act.staff_id in heads else ())
        command = pb.WithdrawRequest(request_id=request.request_id, application_id=request.application_id)
        wish = OperatorWish(asked, request.act, OperatorVerb.CANCEL, roles)
        async with in_the_name_of_staff(self._runtime, wish, _SERVICE.methods_by_name["Withdraw"]):
            answer = await self.Withdraw(command, context)
        return pb.CancelForOperatorResponse(state=answer.application.state)
