"""What operators read in the Temporal UI, in Bulgarian and English: closed codes as words, no personal data.

Every entry is a pair, so that neither language can lack one; the tables are keyed by the codes themselves, and a test
holds them complete.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from services.kernel.codes import CaseState, Event, Role

__all__ = [
    "ACTIVITIES",
    "AWAITED",
    "EVENTS",
    "LABELS",
    "LIMITS",
    "ROLES",
    "STAGES",
    "STATES",
    "TICKS",
    "Awaited",
    "FlowStage",
    "Label",
    "Language",
    "Tick",
    "Words",
]


class Language(StrEnum):
    """Languages of the operators."""

    BG = "bg"
    EN = "en"


class Words(NamedTuple):
    """One text in both languages."""

    bg: str
    en: str

    def said(self, language: Language) -> str:
        """The text in the language."""
        return self.bg if language is Language.BG else self.en


class FlowStage(StrEnum):
    """Where a flow stands; the values of the search attribute CaseStage."""

    DOCUMENTS = "DOCUMENTS"
    ASSESSMENT = "ASSESSMENT"
    ELIGIBILITY = "ELIGIBILITY"
    PLACEMENT = "PLACEMENT"
    CARE = "CARE"
    DAILY_RUN = "DAILY_RUN"
    BILLING_RUN = "BILLING_RUN"
    REPROJECTION = "REPROJECTION"
    WELFARE_CHECK = "WELFARE_CHECK"
    ARREARS = "ARREARS"


class Awaited(StrEnum):
    """What a flow waits for."""

    MISSING_DOCUMENTS = "MISSING_DOCUMENTS"
    EXPIRY_CONFIRMATION = "EXPIRY_CONFIRMATION"
    VISIT_DAY = "VISIT_DAY"
    HOME_VISIT = "HOME_VISIT"
    NEEDS_ASSESSMENT = "NEEDS_ASSESSMENT"
    UNKNOWN_FACT = "UNKNOWN_FACT"
    EXCEPTION_DECISION = "EXCEPTION_DECISION"
    APPEAL = "APPEAL"
    APPEAL_DECISION = "APPEAL_DECISION"
    REFERRAL = "REFERRAL"
    ORDER = "ORDER"
    REMARKS_REPLY = "REMARKS_REPLY"
    FREE_PLACE = "FREE_PLACE"
    OFFER_ANSWER = "OFFER_ANSWER"
    CONTRACT = "CONTRACT"
    CARE_START = "CARE_START"
    CARE_CHANGE = "CARE_CHANGE"
    AUTHORISATION = "AUTHORISATION"
    PAUSE_END = "PAUSE_END"
    APPROVAL = "APPROVAL"
    CALL_OF_PERSON = "CALL_OF_PERSON"
    CALL_OF_CONTACT = "CALL_OF_CONTACT"
    SOMEBODY_SENT = "SOMEBODY_SENT"
    WELFARE_OUTCOME = "WELFARE_OUTCOME"
    PAYMENT = "PAYMENT"
    INSTALMENT = "INSTALMENT"
    HARDSHIP_DECISION = "HARDSHIP_DECISION"
    ARREARS_DECISION = "ARREARS_DECISION"
    CARE_END = "CARE_END"
    NEWS = "NEWS"
    REPAIR = "REPAIR"
    NOTHING = "NOTHING"


class Tick(StrEnum):
    """What happens by the clock, beside the events of the stages."""

    STARTED = "STARTED"
    LIMIT_PASSED = "LIMIT_PASSED"
    REMINDED = "REMINDED"
    BREACHED = "BREACHED"
    CALLED_ONCE = "CALLED_ONCE"
    CALLED_TWICE = "CALLED_TWICE"
    CARE_MOVED = "CARE_MOVED"
    REVIEWED = "REVIEWED"
    PAGE_DONE = "PAGE_DONE"
    ENDED = "ENDED"


class Label(StrEnum):
    """Headings and sentences with places to fill."""

    STAGE = "STAGE"
    WAITS_FOR = "WAITS_FOR"
    WHO = "WHO"
    NOBODY = "NOBODY"
    DUE = "DUE"
    FROM = "FROM"
    DAYS_LEFT = "DAYS_LEFT"
    DAYS_OVER = "DAYS_OVER"
    NO_DUE = "NO_DUE"
    OPINION = "OPINION"
    OPINION_UNTIL = "OPINION_UNTIL"
    LAST = "LAST"
    REFUSED = "REFUSED"
    TIMER = "TIMER"
    CASE = "CASE"
    DAILY = "DAILY"
    BILLING = "BILLING"
    REPROJECTION = "REPROJECTION"
    WELFARE = "WELFARE"
    MESSAGE_ON_ITS_WAY = "MESSAGE_ON_ITS_WAY"
    ARREARS = "ARREARS"
    ARREARS_SWEEP = "ARREARS_SWEEP"
    PROGRESS = "PROGRESS"
    RECOUNTED = "RECOUNTED"
    DRAFTED = "DRAFTED"
    ISSUED = "ISSUED"
    BILLED = "BILLED"
    REVIEW = "REVIEW"
    PLANNED_SO_FAR = "PLANNED_SO_FAR"


LABELS: Mapping[Label, Words] = {
    Label.STAGE: Words("Етап", "Stage"),
    Label.WAITS_FOR: Words("Чака се", "Waits for"),
    Label.WHO: Words("Действа", "Who acts"),
    Label.NOBODY: Words("никой", "nobody"),
    Label.DUE: Words("Срок до", "Due by"),
    Label.FROM: Words("От", "From"),
    Label.DAYS_LEFT: Words("остават {days} дни към {today}", "{days} days left on {today}"),
    Label.DAYS_OVER: Words("просрочено с {days} дни към {today}", "{days} days overdue on {today}"),
    Label.NO_DUE: Words("без срок", "no limit runs"),
    Label.OPINION: Words("Становище на друг орган (D-09)", "Opinion of another body (D-09)"),
    Label.OPINION_UNTIL: Words("до {day}, после мълчанието е съгласие", "until {day}, then silence is consent"),
    Label.LAST: Words("Последно", "Last"),
    Label.REFUSED: Words("Услуга отказа: {reason}", "A service refused: {reason}"),
    Label.TIMER: Words("{awaited}: до {due}", "{awaited}: until {due}"),
    Label.CASE: Words("Случай · {service}", "Case · {service}"),
    Label.DAILY: Words("Дневно планиране · {unit}", "Daily planning · {unit}"),
    Label.BILLING: Words("Месечно таксуване · {unit}", "Monthly billing · {unit}"),
    Label.REPROJECTION: Words("Сроковете по новия календар · {unit}", "Limits by the new calendar · {unit}"),
    Label.WELFARE: Words("Проверка след пропуснато посещение · {service}", "Welfare check · {service}"),
    Label.MESSAGE_ON_ITS_WAY: Words("съобщението за края пътува", "the message of the end is on its way"),
    Label.ARREARS: Words("Просрочена сметка", "Overdue invoice"),
    Label.ARREARS_SWEEP: Words("Просрочени сметки · {unit}", "Overdue invoices · {unit}"),
    Label.PROGRESS: Words("Напредък", "Progress"),
    Label.RECOUNTED: Words(
        "услуги {done} от {of}, страници {pages}, преместени срокове {moved}",
        "{done} of {of} services, {pages} pages, {moved} limits moved",
    ),
    Label.DRAFTED: Words(
        "изчислени {done} от {of} сметки ({percent} %), край около {end}",
        "{done} of {of} accounts drafted ({percent} %), should end about {end}",
    ),
    Label.ISSUED: Words(
        "издадени {done} от {of} сметки ({percent} %), край около {end}",
        "{done} of {of} invoices issued ({percent} %), should end about {end}",
    ),
    Label.BILLED: Words(
        "издадени {issued} сметки за {totals}, отложени {parked}; печат `{hash}`",
        "{issued} invoices issued over {totals}, {parked} parked; seal `{hash}`",
    ),
    Label.REVIEW: Words(
        "проекти: {drafts}, за месеца {month_drafts} за {total}; предходен месец {previous_invoices} за "
        "{previous_total} (разлика {more}, {difference}); отклонения {outliers}, без доход {missing}, "
        "отложени {parked}; преглед `{hash}`",
        "drafts: {drafts}, of the month {month_drafts} over {total}; month before {previous_invoices} over "
        "{previous_total} (difference {more}, {difference}); outliers {outliers}, without income {missing}, "
        "parked {parked}; review `{hash}`",
    ),
    Label.PLANNED_SO_FAR: Words(
        "страници {pages}, случаи {cases}, отложени {parked}", "{pages} pages, {cases} cases, {parked} parked"
    ),
}

STAGES: Mapping[FlowStage, Words] = {
    FlowStage.DOCUMENTS: Words("Документи", "Documents"),
    FlowStage.ASSESSMENT: Words("Оценка в дома", "Home assessment"),
    FlowStage.ELIGIBILITY: Words("Решение за допускане", "Eligibility decision"),
    FlowStage.PLACEMENT: Words("Настаняване и договор", "Placement and contract"),
    FlowStage.CARE: Words("Обслужване", "Care"),
    FlowStage.DAILY_RUN: Words("Дневно планиране", "Daily planning"),
    FlowStage.BILLING_RUN: Words("Месечно таксуване", "Monthly billing"),
    FlowStage.REPROJECTION: Words("Преброяване на сроковете", "Recount of the limits"),
    FlowStage.WELFARE_CHECK: Words("Проверка на човека", "Welfare check"),
    FlowStage.ARREARS: Words("Просрочия", "Arrears"),
}

STATES: Mapping[CaseState, Words] = {
    CaseState.DRAFT: Words("чернова", "draft"),
    CaseState.SUBMITTED: Words("подадено", "submitted"),
    CaseState.DOCS_PENDING: Words("липсват документи", "documents missing"),
    CaseState.REGISTERED: Words("регистрирано", "registered"),
    CaseState.ASSESSMENT_SCHEDULED: Words("посещението е насрочено", "visit scheduled"),
    CaseState.ASSESSED: Words("оценено", "assessed"),
    CaseState.ELIGIBLE: Words("допуснато", "eligible"),
    CaseState.INELIGIBLE: Words("отказано", "ineligible"),
    CaseState.ORDER_REQUESTED: Words("поискана заповед", "order requested"),
    CaseState.ORDER_ISSUED: Words("издадена заповед", "order issued"),
    CaseState.ORDER_REFUSED: Words("отказана заповед", "order refused"),
    CaseState.REFERRED: Words("насочено", "referred"),
    CaseState.WAITLISTED: Words("в списъка на чакащите", "on the waiting list"),
    CaseState.CONTRACTED: Words("подписан договор", "contract signed"),
    CaseState.IN_SERVICE: Words("обслужва се", "in service"),
    CaseState.PAUSED: Words("прекъснато", "paused"),
    CaseState.TERMINATED: Words("прекратено", "terminated"),
    CaseState.WITHDRAWN: Words("оттеглено", "withdrawn"),
    CaseState.EXPIRED: Words("изтекло", "expired"),
}

ROLES: Mapping[Role, Words] = {
    Role.APPLICANT: Words("заявителят", "the applicant"),
    Role.SOCIAL_WORKER: Words("социален работник", "a social worker"),
    Role.OFFICE_HEAD: Words("ръководителят на офиса", "the office head"),
    Role.ASSISTANT: Words("асистент", "an assistant"),
    Role.BILLING_CLERK: Words("служител по таксуването", "a billing clerk"),
    Role.DIRECTORATE: Words("дирекция „Социално подпомагане“", "the directorate"),
    Role.MUNICIPALITY: Words("общината", "the municipality"),
    Role.DPO: Words("длъжностното лице по защита на данните", "the data protection officer"),
    Role.OPERATOR: Words("операторът", "the operator"),
    Role.INTEGRATOR: Words("външна система", "another system"),
    Role.SERVICE: Words("услуга на системата", "a service of the system"),
    Role.WORKER: Words("системата", "the system"),
    Role.ADMIN: Words("администраторът", "the administrator"),
}

AWAITED: Mapping[Awaited, Words] = {
    Awaited.MISSING_DOCUMENTS: Words("липсващите документи", "the missing documents"),
    Awaited.EXPIRY_CONFIRMATION: Words(
        "документите или потвърждение, че срокът е изтекъл", "the documents, or confirmation that the term is over"
    ),
    Awaited.VISIT_DAY: Words("ден за посещение в дома", "a day for the home visit"),
    Awaited.HOME_VISIT: Words("посещението в дома", "the home visit"),
    Awaited.NEEDS_ASSESSMENT: Words("оценката на потребностите", "the needs assessment"),
    Awaited.UNKNOWN_FACT: Words("неустановен факт от оценката", "a fact that the assessment left open"),
    Awaited.EXCEPTION_DECISION: Words("решение по изключение", "a decision by exception"),
    Awaited.APPEAL: Words("евентуална жалба", "an appeal, if any"),
    Awaited.APPEAL_DECISION: Words("решение по жалбата", "the decision on the appeal"),
    Awaited.REFERRAL: Words("насочване от общината", "the referral by the municipality"),
    Awaited.ORDER: Words("заповед на дирекцията", "the order of the directorate"),
    Awaited.REMARKS_REPLY: Words("отговор на бележките на дирекцията", "the reply to the directorate's remarks"),
    Awaited.FREE_PLACE: Words("свободно място", "a free place"),
    Awaited.OFFER_ANSWER: Words("отговор на предложеното място", "the answer to the offered place"),
    Awaited.CONTRACT: Words("подписване на договора", "the signing of the contract"),
    Awaited.CARE_START: Words("началото на обслужването", "the start of care"),
    Awaited.CARE_CHANGE: Words("промяна в обслужването", "a change of care"),
    Awaited.AUTHORISATION: Words(
        "нова заповед или насочване, или край на договора", "the next order or referral, or the end of the contract"
    ),
    Awaited.PAUSE_END: Words("края на прекъсването", "the end of the pause"),
    Awaited.APPROVAL: Words("одобряване на месеца", "approval of the month"),
    Awaited.CALL_OF_PERSON: Words("обаждане на човека", "a call to the person"),
    Awaited.CALL_OF_CONTACT: Words("обаждане на близкия", "a call to the contact person"),
    Awaited.SOMEBODY_SENT: Words("някой да отиде на място", "somebody to go there"),
    Awaited.WELFARE_OUTCOME: Words("какво е станало с човека", "what became of the person"),
    Awaited.PAYMENT: Words("плащане", "a payment"),
    Awaited.INSTALMENT: Words("следващата вноска", "the next instalment"),
    Awaited.HARDSHIP_DECISION: Words("край на прегледа за затруднение", "the end of the hardship review"),
    Awaited.ARREARS_DECISION: Words("решение продължава ли обслужването", "the decision whether care goes on"),
    Awaited.CARE_END: Words("вписване на края на обслужването", "the end of care to be recorded"),
    Awaited.NEWS: Words("известие за промененото състояние", "news of the changed state"),
    Awaited.REPAIR: Words("намеса: услуга отказа стъпката", "repair: a service refused the step"),
    Awaited.NOTHING: Words("нищо", "nothing"),
}

EVENTS: Mapping[Event, Words] = {
    Event.REGISTERED: Words("документите са пълни", "the papers are complete"),
    Event.EXPIRY_CONFIRMED: Words("изтичането е потвърдено", "the expiry was confirmed"),
    Event.WITHDRAWN: Words("заявлението е оттеглено", "the application was withdrawn"),
    Event.EXCEPTION_DECIDED: Words("решено е по изключение", "an exception was decided"),
    Event.APPEAL_FILED: Words("подадена е жалба", "an appeal was filed"),
    Event.APPEAL_GRANTED: Words("жалбата е уважена", "the appeal was granted"),
    Event.APPEAL_DISMISSED: Words("жалбата е отхвърлена", "the appeal was dismissed"),
    Event.VISIT_SCHEDULED: Words("посещението е насрочено", "the visit was scheduled"),
    Event.VISIT_COMPLETED: Words("посещението е направено", "the visit took place"),
    Event.VISIT_FAILED: Words("посещението не се състоя", "the visit failed"),
    Event.VISITS_EXHAUSTED: Words("и последното посещение не се състоя", "the last admissible visit failed"),
    Event.ASSESSMENT_COMPLETED: Words("оценката е завършена", "the assessment was completed"),
    Event.LIMIT_MOVED: Words("срокът е преместен", "a limit moved"),
    Event.ORDER_RECORDED: Words("заповедта е вписана", "the order was recorded"),
    Event.ORDER_REFUSED: Words("отказът на дирекцията е вписан", "the refusal of the directorate was recorded"),
    Event.COURT_DECIDED: Words("съдът се произнесе", "the court ruled"),
    Event.REFERRAL_RECORDED: Words("насочването е вписано", "the referral was recorded"),
    Event.PLACE_OFFERED: Words("предложено е място", "a place was offered"),
    Event.OFFER_ACCEPTED: Words("мястото е прието", "the offer was accepted"),
    Event.OFFER_DECLINED: Words("мястото е отказано", "the offer was declined"),
    Event.CONTRACT_SIGNED: Words("договорът е подписан", "the contract was signed"),
    Event.TERMINATION_RECORDED: Words("вписан е край на обслужването", "the end of service was recorded"),
    Event.CARE_CORRECTED: Words("корекция за изминал месец", "care of a past month was recorded"),
    Event.PAUSE_CHANGED: Words("промяна на прекъсване", "a pause was granted or changed"),
    Event.ARREARS_CHANGED: Words("промяна на просрочията", "arrears changed"),
    Event.RUN_REJECTED: Words("месецът е върнат за ново изчисляване", "the month was sent back to be drafted again"),
    Event.RUN_APPROVED: Words("месецът е одобрен", "the month was approved"),
    Event.CONTRACT_AMENDED: Words("договорът е изменен", "the contract was amended"),
    Event.AUTHORISATION_CHANGED: Words(
        "дните по заповедта са променени", "the days that the order covers were changed"
    ),
    Event.ORDER_REQUEST_RETURNED: Words(
        "дирекцията върна искането с бележки", "the directorate returned the request with remarks"
    ),
    Event.ORDER_REQUESTED_AGAIN: Words("искането е изпратено отново", "the request was sent to the directorate again"),
    Event.OPINION_CHANGED: Words(
        "поискано или дадено е становище на друг орган", "another body was asked for its opinion, or gave it"
    ),
    Event.REVIEW_COMPLETED: Words("прегледът е завършен", "the review was completed"),
    Event.RECONCILED: Words("проверка по искане на оператор", "checked anew for an operator"),
    Event.WELFARE_RUNG_ANSWERED: Words("никой не е открит на тази стъпка", "nobody was reached on the rung"),
    Event.WELFARE_CLOSED: Words("проверката приключи", "the welfare check has its outcome"),
}

TICKS: Mapping[Tick, Words] = {
    Tick.STARTED: Words("започна", "started"),
    Tick.LIMIT_PASSED: Words("срокът мина", "the limit passed"),
    Tick.REMINDED: Words("напомняне за срока", "a reminder of the limit"),
    Tick.BREACHED: Words("срокът е нарушен", "the limit was breached"),
    Tick.CALLED_ONCE: Words("първо повикване на ръководителя", "first call on the office head"),
    Tick.CALLED_TWICE: Words("второ повикване на ръководителя", "second call on the office head"),
    Tick.CARE_MOVED: Words("настъпи ден на промяна", "a day of change came"),
    Tick.REVIEWED: Words("годишен преглед", "yearly review"),
    Tick.PAGE_DONE: Words("обработена страница", "a page was done"),
    Tick.ENDED: Words("приключи", "ended"),
}

LIMITS: Mapping[str, Words] = {
    "HOME_ASSESSMENT": Words("посещение в дома (D-01)", "home visit (D-01)"),
    "REMEDY_DOCUMENTS": Words("липсващи документи (D-02)", "missing documents (D-02)"),
    "NEEDS_ASSESSMENT_AND_PLAN": Words("оценка и план (D-03)", "assessment and plan (D-03)"),
    "ORDER_DECISION": Words("заповед (D-04)", "order (D-04)"),
    "APPEAL": Words("обжалване (D-05)", "appeal (D-05)"),
    "TACIT_REFUSAL_APPEAL": Words("обжалване на мълчание (D-06)", "appeal against silence (D-06)"),
    "INVOICE_DUE": Words("плащане (D-07)", "payment (D-07)"),
    "ARREARS_TERMINATION": Words("прекратяване за неплащане (D-08)", "termination for arrears (D-08)"),
    "ORDER_OPINION": Words("становище (D-09)", "opinion (D-09)"),
    "CONTRACT_SIGNATURE": Words("подписване на договора (D-11)", "signing of the contract (D-11)"),
    "AUTHORISATION_END": Words("последен ден по заповедта", "last day of the order"),
    "OFFER_ANSWER": Words("отговор на предложено място (L-09)", "answer to an offered place (L-09)"),
}

ACTIVITIES: Mapping[str, Words] = {
    "advance_case": Words("състоянието на случая се придвижва", "moves the state of the case"),
    "decide_eligibility": Words("взема се решението за допускане", "takes the eligibility decision"),
    "take_over_found_facts": Words("приемат се фактите от прегледа", "takes over what the review found"),
    "open_assessment": Words("отваря се оценката", "opens the assessment"),
    "claim_due_rungs": Words("напомняния и повиквания по срока", "takes reminders and calls that are due"),
    "close_assessment": Words("затваря се оценката", "closes the assessment"),
    "open_due_review": Words("проверява се прегледът", "looks whether a review is due"),
    "act_for_operator": Words("изпълнява искане на оператор", "does what an operator asked for"),
    "cancel_for_operator": Words("отказ на случая от оператор", "cancels the case for an operator"),
    "open_placement": Words("отваря се настаняването", "opens the placement"),
    "claim_due_limits": Words("проверяват се сроковете на настаняването", "takes limits of the placement that passed"),
    "close_placement": Words("затваря се настаняването", "closes the placement"),
    "copy_contract": Words("договорът се копира", "copies the contract"),
    "advance_care": Words("прилагат се настъпилите промени", "applies changes of care that are due"),
    "refresh_served_days": Words("преизчисляват се таксувани месеци", "corrects billed months"),
    "reproject_limits": Words("сроковете се броят по новия календар", "counts limits by the new calendar"),
    "climb_welfare_ladder": Words("проверява се стъпката на проверката", "looks whether the rung is over"),
    "act_on_welfare_check": Words("изпълнява искане на оператор", "does what an operator asked for"),
    "open_daily_run": Words("отваря се денят", "opens the day"),
    "plan_page": Words("планира се страница", "plans a page"),
    "close_daily_run": Words("броят се кухните и се затваря денят", "counts the kitchens and closes the day"),
    "open_billing_run": Words("отваря се месецът", "opens the month"),
    "draft_page": Words("проекти на сметки за страница", "drafts a page of invoices"),
    "renew_run_review": Words("обновява се прегледът на месеца", "renews the review of the month"),
    "issue_page": Words("издава се страница сметки", "issues a page of invoices"),
    "sweep_arrears": Words("търсят се просрочени сметки", "looks for overdue invoices"),
    "advance_arrears": Words("придвижват се просрочията", "moves the arrears"),
    "close_billing_run": Words("затваря се месецът", "closes the month"),
}
