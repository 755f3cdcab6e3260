"""The letters themselves, as Jinja templates of plain text."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from services.intake.domain.notices import NoticeKind
from services.intake.letters.words import Words

__all__ = ["BODIES", "FRAME"]

FRAME = Words(
    """\
{{ municipality }}
{{ issued_on }}

До {{ name }}
{{ address }}

{{ subject }}
Заявление {{ case }} за услуга „{{ service }}“

{{ body }}
""",
    """\
{{ municipality }}
{{ issued_on }}

To {{ name }}
{{ address }}

{{ subject }}
Application {{ case }} for the service “{{ service }}”

{{ body }}
""",
)

BODIES: Mapping[NoticeKind, Words] = MappingProxyType(
    {
        NoticeKind.MISSING_PAPERS: Words(
            """\
По заявлението Ви липсват:
{% for paper in papers %}- {{ paper }}
{% endfor %}

Представете ги най-късно на {{ due_date }} (D-02, чл. 30, ал. 2 АПК), на място, по пощата или по електронен път; при
изпращане по пощата важи денят на пощенското клеймо. Ако не го направите, производството може да бъде прекратено.""",
            """\
Your application lacks:
{% for paper in papers %}- {{ paper }}
{% endfor %}

Hand them in on {{ due_date }} at the latest (D-02, APC art. 30(2)), in person, by post or electronically; by post the
day of the postmark counts. Otherwise the application may be closed.""",
        ),
        NoticeKind.REGISTERED: Words(
            "Документите Ви са пълни и заявлението е регистрирано. Социален работник ще Ви посети в дома.",
            "Your papers are complete and the application is registered. A social worker will visit you at home.",
        ),
        NoticeKind.VISIT_APPOINTED: Words(
            "Социален работник ще Ви посети в дома на {{ visit_date }}. Ако не можете да го приемете, обадете се"
            " преди това.",
            "A social worker will visit you at home on {{ visit_date }}. If you cannot be there, call us before.",
        ),
        NoticeKind.ELIGIBLE: Words(
            "Отговаряте на условията за услугата. Ще Ви уведомим за следващите стъпки до сключването на договор.",
            "You meet the conditions of the service. We will tell you of the next steps up to the contract.",
        ),
        NoticeKind.REFUSED: Words(
            """\
Заявлението Ви не може да бъде уважено, защото:
{% for reason in reasons %}- {{ reason }}
{% endfor %}

Можете да обжалвате решението най-късно на {{ due_date }} (D-05, чл. 149, ал. 1 АПК): писмено чрез общината пред
административния съд, на място или по пощата; важи денят на пощенското клеймо.""",
            """\
Your application cannot be granted, because:
{% for reason in reasons %}- {{ reason }}
{% endfor %}

You may appeal on {{ due_date }} at the latest (D-05, APC art. 149(1)): in writing, through the municipality to the
administrative court, in person or by post; the day of the postmark counts.""",
        ),
        NoticeKind.EXPIRED: Words(
            "Срокът, даден по заявлението Ви, изтече без действие от Ваша страна и производството е прекратено."
            " Можете да подадете ново заявление по всяко време.",
            "The term given for your application ended without a step of yours, and the application is closed. You may"
            " apply anew at any time.",
        ),
        NoticeKind.WITHDRAWN_AFTER_VISITS: Words(
            "Социален работник не Ви намери в дома при две посещения (D-10) и заявлението се смята за оттеглено. Можете"
            " да подадете ново заявление по всяко време.",
            "A social worker did not find you at home on two visits (D-10), and the application counts as withdrawn."
            " You may apply anew at any time.",
        ),
        NoticeKind.APPEAL_GRANTED: Words(
            "Жалбата Ви срещу отказа е уважена. Ще Ви уведомим за следващите стъпки.",
            "Your appeal against the refusal is granted. We will tell you of the next steps.",
        ),
        NoticeKind.APPEAL_DISMISSED: Words(
            "Жалбата Ви срещу отказа е отхвърлена. Отказът остава в сила.",
            "Your appeal against the refusal is dismissed. The refusal stands.",
        ),
    }
)
