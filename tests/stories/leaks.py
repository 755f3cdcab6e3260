"""Searches what leaves the databases for the personal data of a story: the forms in which data hides, and the search.

Words, the identifier and the birth date are unmistakable: they are searched in every text. Bare figures are not. An
income of 92.15 is also how long a call may have taken, and 33170 a port, a process id or a number of bytes; they are
searched only where a number has a name and the name is not technical: in payloads, failures, fields of log lines,
labels, and values of the product's own gauges. An amount that says its currency is searched everywhere.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote, quote_plus

from cli.stories import format as story

LETTERS = """
а a б b в v г g д d е e ж zh з z и i й y к k л l м m н n о o п p р r с s т t у u ф f х h ц ts ч ch ш sh щ sht ъ a ь y
ю yu я ya
"""
LATIN = dict(zip(LETTERS.split()[::2], LETTERS.split()[1::2], strict=True))
"""Transliteration Act, 2009."""

SEPARATOR = r"[ \u00a0.\-/]?"


@dataclass(frozen=True)
class Fragment:
    """A piece of text and where it was found; `figures` says that a number in it may be an amount."""

    where: str
    text: str
    figures: bool = False


@dataclass(frozen=True)
class Leak:
    """Personal data that was found: what it is, in which form, where."""

    what: str
    form: str
    where: str


@dataclass(frozen=True)
class Secret:
    """One thing to search for."""

    what: str
    form: str
    pattern: re.Pattern[str]
    is_figure: bool = False


def transliterated(text: str) -> str:
    """Bulgarian in Latin letters, small."""
    small = re.sub(r"ия\b", "ia", text.lower())
    return "".join(LATIN.get(letter, letter) for letter in small)


def secrets_of(told: story.Story) -> list[Secret]:
    """Everything personal in a story, in every form."""
    person = told.person
    secrets = []
    for what, words in (
        ("given name", [person.name.given]),
        ("father's name", [person.name.father]),
        ("family name", [person.name.family]),
        ("address", re.findall(r"\w{4,}", person.address)),
    ):
        for word in words:
            secrets += _of_word(what, word)
            secrets += _of_word(what, transliterated(word), form="transliterated")
    secrets += _of_identifier(person.identifier.value)
    secrets += _of_birth_date(f"{person.birth_date:%Y}", f"{person.birth_date:%m}", f"{person.birth_date:%d}")
    for income in incomes_of(told):
        secrets += _of_amount(Decimal(income))
    return secrets


def incomes_of(told: story.Story) -> list[str]:
    """Amounts that somebody declared."""
    return [
        income.amount for act in told.timeline if isinstance(act, story.DeclareIncome) for income in act.income or ()
    ]


def leaks_in(fragments: Iterable[Fragment], secrets: Iterable[Secret]) -> list[Leak]:
    """Every secret in every fragment; a text that comes again is searched once."""
    unmistakable = [secret for secret in secrets if not secret.is_figure]
    wanted = {False: unmistakable, True: list(secrets)}
    seen: dict[tuple[str, bool], list[Secret]] = {}
    leaks = []
    for fragment in fragments:
        key = (fragment.text, fragment.figures)
        if key not in seen:
            seen[key] = [secret for secret in wanted[fragment.figures] if secret.pattern.search(fragment.text)]
        leaks += [Leak(secret.what, secret.form, fragment.where) for secret in seen[key]]
    return leaks


def log_fragments(where: str, text: str) -> Iterator[Fragment]:
    """Lines of a log; fields of a JSON line one by one, so that a number comes with its name."""
    for number, line in enumerate(text.splitlines(), start=1):
        yield Fragment(f"{where}:{number}", line)
        try:
            fields = json.loads(line)
        except ValueError:
            continue
        yield from _fields(f"{where}:{number}", "", fields)


def metric_fragments(where: str, text: str) -> Iterator[Fragment]:
    """Lines of a scrape; label values and values of the product's own gauges bear figures."""
    for number, line in enumerate(text.splitlines(), start=1):
        place = f"{where}:{number}"
        yield Fragment(place, line)
        if line.startswith("#"):
            continue
        name, labels, value = _sample(line)
        for label, content in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels):
            if label not in TECHNICAL:
                yield Fragment(f"{place} {label}", content, figures=True)
        if name.startswith("socialcare_") and not name.endswith(MEASURES):
            yield Fragment(f"{place} value", value, figures=True)


MEASURES = ("_total", "_count", "_sum", "_bucket", "_created", "_seconds", "_bytes")
DURATIONS = frozenset({"ms", "seconds", "duration", "backoff", "le", "quantile"})
COUNTS = frozenset({"bytes", "size", "attempt", "attempts", "count", "rows", "seq", "line", "lineno", "port", "pid"})
TECHNICAL = DURATIONS | COUNTS
"""Names of fields and labels whose numbers measure the machine."""


def _fields(where: str, name: str, value: object) -> Iterator[Fragment]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield Fragment(where, str(key))
            yield from _fields(where, str(key), inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _fields(where, name, inner)
    elif value is not None:
        yield Fragment(f"{where} {name}", str(value), figures=name not in TECHNICAL)


def _sample(line: str) -> tuple[str, str, str]:
    found = re.fullmatch(r"([\w:]+)(?:\{(.*)\})?\s+(\S+)(?:\s+\S+)?", line)
    return (found[1], found[2] or "", found[3]) if found else ("", line, "")


def _of_word(what: str, word: str, form: str = "as written") -> list[Secret]:
    escaped = json.dumps(word)[1:-1]
    variants = {
        form: {word},
        f"{form}, escaped": {escaped, json.dumps(word.lower())[1:-1], json.dumps(word.upper())[1:-1]} - {word},
        f"{form}, percent-encoded": {quote(word), quote_plus(word)} - {word},
        f"{form}, UTF-8 read as Latin-1": {word.encode().decode("latin-1")} - {word},
    }
    secrets = [
        Secret(what, name, re.compile(re.escape(text), re.IGNORECASE))
        for name, texts in variants.items()
        for text in texts
    ]
    return [*secrets, *_in_base64(what, word, form)]


def _in_base64(what: str, word: str, form: str) -> list[Secret]:
    """Base64 of a longer text contains one of three strings, by the position of the word in it."""
    found = []
    for variant in {word, word.lower(), word.upper(), word.capitalize()}:
        raw = variant.encode()
        for shift in range(3):
            coded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
            # Letters at both ends depend on the neighbours too.
            core = coded[(0, 2, 3)[shift] :]
            core = core if (len(raw) + shift) % 3 == 0 else core[:-1]
            if len(core) >= 6:
                found.append(Secret(what, f"{form}, base64", re.compile(re.escape(core))))
                found.append(Secret(what, f"{form}, base64url", re.compile(re.escape(core.translate(URL_SAFE)))))
    return found


URL_SAFE = str.maketrans("+/", "-_")


def _of_identifier(digits: str) -> list[Secret]:
    pattern = re.compile(r"(?<!\d)" + SEPARATOR.join(digits) + r"(?!\d)")
    return [Secret("identifier", "digits", pattern), *_in_base64("identifier", digits, "digits")]


def _of_birth_date(year: str, month: str, day: str) -> list[Secret]:
    short_month, short_day = month.lstrip("0"), day.lstrip("0")
    forms = {
        "ISO": rf"(?<!\d){year}[-/.]?{month}[-/.]?{day}(?!\d)",
        "Bulgarian": rf"(?<!\d){day}[./-]{month}[./-]{year}(?!\d)",
        "fields": rf"year\W+{year}\W+month\W+{short_month}\W+day\W+{short_day}(?!\d)",
    }
    return [Secret("birth date", form, re.compile(text, re.IGNORECASE)) for form, text in forms.items()]


def _of_amount(amount: Decimal) -> list[Secret]:
    units, cents = divmod(int(amount * 100), 100)
    written = rf"{units}[.,]{cents:02d}"
    shortest = rf"{units}[.,]{f'{cents:02d}'.rstrip('0')}" if cents else str(units)
    currency = r"(?:EUR|BGN|€|евро|лв)"
    return [
        Secret("income", "with its currency", re.compile(rf"(?<![\d.,]){written}\W{{0,3}}{currency}", re.IGNORECASE)),
        Secret("income", "with its currency", re.compile(rf"{currency}\W{{0,3}}{written}(?!\d)", re.IGNORECASE)),
        Secret("income", "fields", re.compile(rf"units\W+{units}\W+nanos\W+{cents}0{{7}}(?!\d)", re.IGNORECASE)),
        Secret("income", "figure", re.compile(rf"(?<![\w.,:-]){written}(?!\d)"), is_figure=True),
        Secret("income", "figure", re.compile(rf'(?<=[":]){written}(?!\d)'), is_figure=True),
        Secret("income", "float", re.compile(rf"^{shortest}$"), is_figure=True),
        Secret(
            "income", "minor units", re.compile(rf"(?<![\w.,:-]){units}{cents:02d}(?![\w:@-]|[.,]\d)"), is_figure=True
        ),
        Secret("income", "minor units", re.compile(rf'(?<=":){units}{cents:02d}(?![\w:@-]|[.,]\d)'), is_figure=True),
    ]
