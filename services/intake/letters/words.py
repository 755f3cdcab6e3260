"""Codes in the words of a letter. Every entry is a pair, so that neither language can lack one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from services.intake.domain.notices import NoticeKind
from services.intake.domain.reasons import Reason

__all__ = ["PAPERS", "REASONS", "SUBJECTS", "Words"]


class Words(NamedTuple):
    """The same thing in both languages."""

    bg: str
    en: str


SUBJECTS: Mapping[NoticeKind, Words] = MappingProxyType(
    {
        NoticeKind.MISSING_PAPERS: Words("Липсващи документи", "Missing papers"),
        NoticeKind.REGISTERED: Words("Регистрирано заявление", "Application registered"),
        NoticeKind.VISIT_APPOINTED: Words("Насрочено посещение в дома", "Home visit appointed"),
        NoticeKind.ELIGIBLE: Words("Решение: одобрено заявление", "Decision: application approved"),
        NoticeKind.REFUSED: Words("Решение: отказ", "Decision: refusal"),
        NoticeKind.EXPIRED: Words("Прекратено производство", "Application closed"),
        NoticeKind.WITHDRAWN_AFTER_VISITS: Words("Прекратено производство", "Application closed"),
        NoticeKind.APPEAL_GRANTED: Words("Решение по жалба: уважена", "Decision on the appeal: granted"),
        NoticeKind.APPEAL_DISMISSED: Words("Решение по жалба: отхвърлена", "Decision on the appeal: dismissed"),
    }
)

REASONS: Mapping[Reason, Words] = MappingProxyType(
    {
        Reason.ASSISTANT_AGE: Words(
            "възрастта на асистента не отговаря на условията", "the assistant's age does not meet the conditions"
        ),
        Reason.ASSISTANT_BENEFIT_CONDITIONS: Words(
            "асистентът не отговаря на условията за месечни помощи",
            "the assistant does not meet the conditions for monthly benefits",
        ),
        Reason.ASSISTANT_NOT_UNEMPLOYED: Words(
            "асистентът не е регистриран като безработен", "the assistant is not registered as unemployed"
        ),
        Reason.ASSISTANT_PENSIONER: Words("асистентът получава пенсия", "the assistant receives a pension"),
        Reason.ASSISTANT_RELATION: Words(
            "асистентът не е в изискваната родствена връзка", "the assistant is not related as required"
        ),
        Reason.ASSISTANT_SETTLEMENT: Words(
            "асистентът не живее в същото населено място", "the assistant does not live in the same settlement"
        ),
        Reason.COMMUNITY_NOT_EXHAUSTED: Words(
            "възможностите за подкрепа в общността не са изчерпани",
            "the options for support in the community are not exhausted",
        ),
        Reason.DISTRICT_NOT_SERVED: Words(
            "услугата не се предоставя във Вашия район", "the service is not provided in your district"
        ),
        Reason.DUPLICATE_CASE: Words(
            "вече имате открит случай за тази услуга", "you have a live case of this service already"
        ),
        Reason.HOME_VISIT_MISSING: Words("посещението в дома не е извършено", "the home visit has not taken place"),
        Reason.IN_RESIDENTIAL_CARE: Words("ползвате резидентна грижа", "you live in residential care"),
        Reason.NOT_YET_OPEN: Words("приемът на заявления не е започнал", "applications are not taken yet"),
        Reason.NO_TARGET_GROUP: Words(
            "не е установена принадлежност към целева група на услугата", "you belong to no target group of the service"
        ),
        Reason.ORDER_MISSING: Words("липсва заповед за настаняване", "there is no placement order"),
        Reason.ORDER_WRONG_DIRECTORATE: Words(
            "заповедта е издадена от некомпетентна дирекция", "the order was issued by another directorate"
        ),
        Reason.OUT_OF_TERRITORY: Words(
            "настоящият Ви адрес е извън територията на услугата", "your address lies outside the territory served"
        ),
        Reason.PRESCRIPTION_MISSING: Words("липсва предписание от лекар", "there is no doctor's prescription"),
        Reason.SERVICE_CLOSED: Words(
            "по услугата не се приемат нови заявления", "the service takes no new applications"
        ),
        Reason.SIMILAR_SERVICE_IN_USE: Words("ползвате сходна услуга", "you use a similar service"),
        Reason.SUPPORT_PLAN_MISSING: Words("липсва план за подкрепа", "there is no individual support plan"),
        Reason.USER_FUNDS_MISSING: Words("не са записани лични средства", "no money of your own is recorded"),
    }
)

PAPERS: Mapping[str, Words] = MappingProxyType(
    {
        "APPLICATION_FORM": Words("заявление по образец", "application form"),
        "IDENTITY_SHOWN": Words("документ за самоличност (за справка)", "identity document (to be shown)"),
        "GP_NOTE": Words("бележка от личния лекар", "note of the general practitioner"),
        "PSYCHIATRIC_CERTIFICATE": Words("удостоверение от психиатър", "certificate of a psychiatrist"),
        "PENSION_ORDER": Words("разпореждане за пенсия", "pension order"),
        "PROPERTY_DECLARATION": Words("декларация за имотно състояние", "declaration of property"),
        "PHOTOS": Words("снимки", "photographs"),
        "MEDICAL_CERTIFICATE": Words("медицинско удостоверение", "medical certificate"),
        "SOCIAL_ASSESSMENT_REPORT": Words("доклад от социална оценка", "report of a social assessment"),
        "PENSION_CERTIFICATE": Words("удостоверение за пенсия", "pension certificate"),
        "COMMUNITY_OPTIONS_RECORD": Words(
            "протокол за изчерпаните възможности в общността", "record of exhausted options in the community"
        ),
        "LABOUR_OFFICE_CERTIFICATE": Words("удостоверение от бюрото по труда", "certificate of the labour office"),
        "BENEFIT_CONDITIONS_CERTIFICATE": Words(
            "удостоверение за условията за месечни помощи", "certificate of the conditions for monthly benefits"
        ),
        "KINSHIP_DOCUMENT": Words("документ за родство", "proof of kinship"),
        "SETTLEMENT_CERTIFICATE": Words("удостоверение за населеното място", "certificate of the settlement"),
        "ASSISTANT_PENSION_CERTIFICATE": Words(
            "удостоверение за пенсията на асистента", "certificate of the assistant's pension"
        ),
        "SIMILAR_SERVICES_DECLARATION": Words("декларация за сходни услуги", "declaration of similar services"),
        "INCOME_EVIDENCE": Words("доказателство за доходите", "evidence of income"),
        "MEDICAL_BOARD_DECISION": Words("решение на ТЕЛК или НЕЛК", "decision of the medical board"),
        "WAR_CERTIFICATE": Words("удостоверение за участие във войните", "certificate of service in the wars"),
        "LKK_PROTOCOL": Words("протокол на ЛКК", "protocol of the medical commission"),
        "EPICRISIS": Words("епикриза", "medical summary of the hospital"),
        "BIRTH_CERTIFICATE": Words("удостоверение за раждане", "birth certificate"),
        "REPRESENTATIVE_AUTHORITY": Words("документ за представителство", "authority of the representative"),
        "INSTITUTION_LEAVING_PROOF": Words("доказателство за напускане", "proof of leaving an institution"),
        "PLACEMENT_ACT": Words("акт за настаняване", "placement act"),
        "FAMILY_INCOME_CERTIFICATE": Words(
            "удостоверение за доходите на семейството", "certificate of the family's income"
        ),
    }
)
