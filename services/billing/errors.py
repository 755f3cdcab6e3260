"""Refusals of billing.

InvalidArgument
├─ UnknownService        the catalogue has no such service
├─ PercentNotAllowed     F-08, F-09
├─ InvalidFact           a declared fact contradicts itself or lies outside its range
├─ CurrencyNotAllowed    F-13
└─ BankFileNotReadable   a bank file is not as its format says, or contradicts one of before
Refused
├─ StateNotAllowed       the contract or the run is not where the step needs it
├─ NoInvoice             nothing was billed for that month
├─ DeclaredByOffice      F-02, F-18: a person declares on their own word, for months that are not billed
├─ UserFundsMissing      less of the user's own money is held than was spent (R-08, F-16)
├─ ArrearsTermNotReached D-08, L-13
├─ InvariantViolated     the books do not agree with themselves; nothing is issued
├─ AllocationTooLarge    more than a payment has left, or a month open
├─ NotOverpaid           more would go back than was paid too much
├─ NotTakenInCash        more would go back at the counter than was taken there
├─ PeriodClosed          the books of that month are closed
├─ PeriodNotReady        a month that cannot be closed or opened yet
├─ InstalmentsNotAllowed they do not make up what is open
└─ FourEyesNeeded        who proposed may not approve
"""

from __future__ import annotations

from services.runtime.errors import InvalidArgument, Refused

__all__ = [
    "AllocationTooLarge",
    "ArrearsTermNotReached",
    "BankFileNotReadable",
    "CurrencyNotAllowed",
    "DeclaredByOffice",
    "FourEyesNeeded",
    "InstalmentsNotAllowed",
    "InvalidFact",
    "InvariantViolated",
    "NoInvoice",
    "NotOverpaid",
    "NotTakenInCash",
    "PercentNotAllowed",
    "PeriodClosed",
    "PeriodNotReady",
    "StateNotAllowed",
    "UnknownService",
    "UserFundsMissing",
]


class UnknownService(InvalidArgument):
    """The catalogue has no such service on that day, or it is no service of its own."""

    reason = "UNKNOWN_SERVICE"
    article = "domain.md 3"
    text_bg = "В каталога няма такава услуга."
    text_en = "The catalogue has no such service."


class PercentNotAllowed(InvalidArgument):
    """The percent lies outside the service's range."""

    reason = "PERCENT_NOT_ALLOWED"
    article = "F-08, F-09"
    text_bg = "Процентът е извън допустимия за услугата ({least} до {most})."
    text_en = "The percent is not one that the service allows ({least} to {most})."


class InvalidFact(InvalidArgument):
    """A declared fact contradicts itself or lies outside its range."""

    reason = "INVALID_FACT"
    text_bg = "Деклариран факт си противоречи или е извън допустимото."
    text_en = "A declared fact contradicts itself or lies outside its range."


class CurrencyNotAllowed(InvalidArgument):
    """The currency does not fit the month or the document."""

    reason = "CURRENCY_NOT_ALLOWED"
    article = "F-13"
    text_bg = "Валутата не съответства на месеца или на документа."
    text_en = "The currency does not fit the month or the document."


class StateNotAllowed(Refused):
    """The contract or the run is not where the step needs it."""

    text_bg = "Стъпката не е възможна в това състояние."
    text_en = "The step is not possible in this state."


class NoInvoice(Refused):
    """Nothing was billed for that month."""

    reason = "NO_INVOICE"
    article = "F-18"
    text_bg = "За този месец няма издадена сметка."
    text_en = "Nothing was billed for that month."


class DeclaredByOffice(Refused):
    """People declare on their own word, and from the first month that no run has billed; the rest the office does."""

    reason = "DECLARED_BY_OFFICE"
    article = "F-02, F-18"
    text_bg = "Доказан доход и промени за вече сметнат месец се вписват от общинската служба."
    text_en = "What is proved, and what concerns a month that is billed, the office declares."


class UserFundsMissing(Refused):
    """Less of the user's own money is held than was spent."""

    reason = "USER_FUNDS_MISSING"
    article = "R-08, F-16"
    text_bg = "Съхраняваните лични средства не покриват разхода."
    text_en = "The user's own money that is held does not cover the expense."


class ArrearsTermNotReached(Refused):
    """Two months past the due date of the oldest unpaid invoice are not over."""

    reason = "ARREARS_TERM_NOT_REACHED"
    article = "D-08, L-13"
    text_bg = "Не са изтекли два месеца след срока за плащане."
    text_en = "Two months past the due date are not over."


class InvariantViolated(Refused):
    """The books do not agree with themselves; nothing is issued before somebody has looked."""

    reason = "INVARIANT_VIOLATED"
    text_bg = "Проверка на сметките не премина; нищо не се издава."
    text_en = "A check of the books failed; nothing is issued."


class ReviewOutdated(Refused):
    """The approval is not of the drafts as they are: somebody has to read their review first."""

    reason = "REVIEW_OUTDATED"
    text_bg = "Одобрението не е за сегашните сметки на месеца. Обновете прегледа и го прочетете."
    text_en = "The approval is not of the month's present drafts. Renew the review and read it."


class BankFileNotReadable(InvalidArgument):
    """A bank file is not as its format says, or contradicts itself or one of before: `fault` says which.

    `entry` counts from 1, 0 is the file as a whole.
    """

    reason = "BANK_FILE_NOT_READABLE"
    text_bg = "Банковият файл не отговаря на формата си или противоречи на известното (запис {entry})."
    text_en = "The bank file is not as its format says, or contradicts what is known (entry {entry})."


class AllocationTooLarge(Refused):
    """More is allocated than the payment has left or the month has open."""

    reason = "ALLOCATION_TOO_LARGE"
    article = "L-13"
    text_bg = "Сумата надхвърля остатъка от плащането или неплатеното за месеца."
    text_en = "The amount is more than is left of the payment or open of the month."


class NotOverpaid(Refused):
    """More is paid back than was paid too much."""

    reason = "NOT_OVERPAID"
    text_bg = "Няма толкова надвнесено."
    text_en = "Not that much was paid too much."


class NotTakenInCash(Refused):
    """More would go back at the counter than was taken there; metadata `cash`: what is left of that."""

    reason = "NOT_TAKEN_IN_CASH"
    article = "L-13"
    text_bg = "В брой се връща само прието в брой; остатъкът му е {cash}."
    text_en = "Only what was taken in cash goes back in cash; of that {cash} is left."


class PeriodClosed(Refused):
    """The books of that month are closed."""

    reason = "PERIOD_CLOSED"
    text_bg = "Счетоводният месец е приключен."
    text_en = "The books of that month are closed."


class PeriodNotReady(Refused):
    """The month is not over, its bills are not issued, or another month comes first."""

    reason = "PERIOD_NOT_READY"
    text_bg = "Месецът още не може да бъде приключен или отворен."
    text_en = "The month cannot be closed or opened yet."


class InstalmentsNotAllowed(Refused):
    """The instalments do not make up what is open, or their days are not in order from today on."""

    reason = "INSTALMENTS_NOT_ALLOWED"
    text_bg = "Вноските не покриват точно дължимото ({open}) или дните им не са възходящи от днес нататък."
    text_en = "The instalments do not make up what is open ({open}), or their days are not in order from today on."


class FourEyesNeeded(Refused):
    """Who proposed or recorded something may not approve it too."""

    reason = "FOUR_EYES_NEEDED"
    text_bg = "Нужен е втори служител, различен от първия."
    text_en = "A second person, not the first one, is needed."
