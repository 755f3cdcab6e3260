"""Bank files as banks write them, and as attackers do."""

from __future__ import annotations

from datetime import date

import pytest

from services.billing.domain.payments import BankLine, Statement
from services.billing.errors import BankFileNotReadable
from services.billing.rules.known_entries import KnownEntries, not_known_yet
from services.billing.rules.matching import numbers_of
from services.billing.rules.payment_reference import payment_reference
from services.billing.wire.bank_csv import CSV_COLUMNS, statement_from_csv
from services.billing.wire.camt import statement_from_camt
from services.kernel.money import Currency, Money

OURS = "BG80BNBG96611020345678"


def camt(*entries: str, version: str = "02", account: str = OURS, number: str = "1") -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt>
<GrpHdr><MsgId>1</MsgId></GrpHdr>
<Stmt><Id>{number}</Id><Acct><Id><IBAN>{account}</IBAN></Id></Acct>{"".join(entries)}</Stmt>
</BkToCstmrStmt></Document>""".encode()


def entry(
    amount: str = "80.00",
    *,
    currency: str = "EUR",
    way: str = "CRDT",
    status: str = "BOOK",
    reference: str = "2026041000001",
    details: str = "",
) -> str:
    own = f"<AcctSvcrRef>{reference}</AcctSvcrRef>" if reference else ""
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd><Sts>{status}</Sts>'
        f"<BookgDt><Dt>2026-04-10</Dt></BookgDt>{own}{details}</Ntry>"
    )


DETAILS = """<NtryDtls><TxDtls><RltdPties><Dbtr><Nm>Мария Петрова</Nm></Dbtr>
<DbtrAcct><Id><IBAN>BG18RZBB91550123456789</IBAN></Id></DbtrAcct></RltdPties>
<RmtInf><Ustrd>такса март</Ustrd><Strd><CdtrRefInf><Ref>RF740000000001</Ref></CdtrRefInf></Strd></RmtInf>
</TxDtls></NtryDtls>"""


def test_a_credit_is_read_with_its_payer_and_reference() -> None:
    statement = statement_from_camt(camt(entry(details=DETAILS)))
    assert statement.lines == (
        BankLine(
            OURS,
            "2026041000001",
            Money.of("80.00", Currency.EUR),
            date(2026, 4, 10),
            "RF740000000001",
            "такса март",
            "Мария Петрова",
            "BG18RZBB91550123456789",
            whole="2026041000001",
        ),
    )


def test_a_later_version_says_status_and_party_one_level_deeper() -> None:
    newer = entry(status="<Cd>BOOK</Cd>", details=DETAILS.replace("<Nm>", "<Pty><Nm>").replace("</Nm>", "</Nm></Pty>"))
    (line,) = statement_from_camt(camt(newer, version="08")).lines
    assert line.payer_name == "Мария Петрова"


def test_debits_pending_entries_reversals_zeros_and_other_currencies_are_skipped() -> None:
    statement = statement_from_camt(
        camt(
            entry(way="DBIT"),
            entry(status="PDNG"),
            entry(currency="USD"),
            entry().replace("<Sts>", "<RvslInd>true</RvslInd><Sts>"),
            entry("0.00"),
            entry(reference="2"),
        )
    )
    assert (len(statement.lines), statement.skipped) == (1, 5)


def test_every_structured_reference_of_a_payment_counts_in_its_order() -> None:
    named = "".join(
        f"<Strd><CdtrRefInf><Ref>{payment_reference(number)}</Ref></CdtrRefInf></Strd>" for number in (7, 3)
    )
    (line,) = statement_from_camt(
        camt(entry(details=f"<NtryDtls><TxDtls><RmtInf>{named}</RmtInf></TxDtls></NtryDtls>"))
    ).lines
    assert numbers_of(line).invoices == (7, 3)


def test_what_the_bank_takes_back_is_named() -> None:
    back = entry(way="DBIT").replace("<Sts>", "<RvslInd>true</RvslInd><Sts>")
    of_a_debit, pending = back.replace("DBIT", "CRDT"), back.replace("BOOK", "PDNG")
    statement = statement_from_camt(camt(entry(reference="1"), of_a_debit, back, pending))
    assert (len(statement.lines), statement.skipped, statement.taken_back) == (1, 3, (3,))


def collected(*parts: str, amount: str = "80.00") -> str:
    return entry(amount, details=f"<NtryDtls>{''.join(parts)}</NtryDtls>")


def part(amount: str, *, own: str = "", way: str = "", currency: str = "EUR") -> str:
    direction = f"<CdtDbtInd>{way}</CdtDbtInd>" if way else ""
    return (
        f'<TxDtls><Refs><TxId>{own}</TxId></Refs><Amt Ccy="{currency}">{amount}</Amt>{direction}</TxDtls>'
        if amount
        else f"<TxDtls><Refs><TxId>{own}</TxId></Refs>{direction}</TxDtls>"
    )


def test_a_collected_entry_is_one_payment_a_transaction() -> None:
    parts = "".join(
        f"<TxDtls><Refs><TxId>T{place}</TxId></Refs>"
        f'<AmtDtls><TxAmt><Amt Ccy="EUR">{amount}</Amt></TxAmt></AmtDtls></TxDtls>'
        for place, amount in enumerate(("30.00", "50.00"))
    )
    lines = statement_from_camt(camt(entry(details=f"<NtryDtls>{parts}</NtryDtls>"))).lines
    assert [(line.reference, str(line.amount.amount)) for line in lines] == [
        ("2026041000001/T0", "30.00"),
        ("2026041000001/T1", "50.00"),
    ]


def test_a_debit_among_the_transactions_of_a_credit_is_no_payment() -> None:
    statement = statement_from_camt(
        camt(collected(part("50.00", way="CRDT"), part("2.00", way="DBIT"), part("32.00", own="T")))
    )
    assert [(line.reference, str(line.amount)) for line in statement.lines] == [
        ("2026041000001/#1", "50.00 EUR"),
        ("2026041000001/T", "32.00 EUR"),
    ]
    assert statement.skipped == 1


@pytest.mark.parametrize(
    "details",
    [
        (part("30.00"), part("40.00")),
        (part("30.00"), part("50.00", way="DBIT")),
        (part("30.00"), part("50.00", way="BOTH")),
        (part("30.00"), part("50.00", currency="BGN")),
        (part("30.00"), part("50.00", currency="USD")),
        (part("80.00", way="DBIT"),),
        (part("", way="DBIT"),),
    ],
)
def test_transactions_that_do_not_make_up_their_entry_are_refused(details: tuple[str, ...]) -> None:
    with pytest.raises(BankFileNotReadable) as refusal:
        statement_from_camt(camt(entry(reference="1"), collected(*details)))
    assert refusal.value.metadata == {"entry": "2", "fault": "DETAILS_DIFFER"}


def test_what_a_payer_spent_in_another_currency_came_in_as_the_entry_says() -> None:
    (line,) = statement_from_camt(camt(collected(part("93.00", currency="USD")))).lines
    assert str(line.amount) == "80.00 EUR"


def test_what_came_in_by_a_single_transaction_is_the_entry_less_what_charges_took() -> None:
    (line,) = statement_from_camt(camt(collected(part("100.00"), amount="98.00"))).lines
    assert str(line.amount) == "98.00 EUR"


@pytest.mark.parametrize("way", ["", "DBIT"])
def test_a_batch_that_is_not_divided_is_one_payment_that_nothing_names(way: str) -> None:
    named = part("", own="A").replace("</TxDtls>", "<RmtInf><Ustrd>такса</Ustrd></RmtInf></TxDtls>")
    (line,) = statement_from_camt(camt(collected(named, part("", own="B", way=way)))).lines
    assert (line.reference, str(line.amount), line.remittance) == ("2026041000001", "80.00 EUR", "")


def test_a_batch_that_is_divided_in_part_is_refused() -> None:
    with pytest.raises(BankFileNotReadable):
        statement_from_camt(camt(collected(part("30.00"), part(""))))


def test_a_place_is_never_taken_for_the_reference_of_another_transaction() -> None:
    lines = statement_from_camt(
        camt(collected(part("30.00", own="2"), part("20.00", own="X"), part("30.00", own="X")))
    ).lines
    assert [line.reference.removeprefix("2026041000001/") for line in lines] == ["2", "#2", "#3"]


def test_two_payments_of_one_entry_with_one_reference_are_refused() -> None:
    parts = [part(amount, own=own) for amount, own in (("30.00", "#2"), ("20.00", "X"), ("30.00", "X"))]
    with pytest.raises(BankFileNotReadable) as refusal:
        statement_from_camt(camt(collected(*parts)))
    assert refusal.value.metadata == {"entry": "1", "fault": "REFERENCE_TWICE"}


def test_every_payment_of_an_entry_without_reference_is_new() -> None:
    parts = [part(amount, own=own) for amount, own in (("50.00", "A"), ("20.00", "B"), ("50.00", "A"))]
    content = camt(entry("120.00", reference="", details=f"<NtryDtls>{''.join(parts)}</NtryDtls>"))
    fresh = not_known_yet(statement_from_camt(content).lines, KnownEntries({}, {}))
    assert sorted(line.reference for line in fresh) == ["A/#1", "A/#3", "B/B"]


def numbered(number: str) -> str:
    return entry(reference="").replace("<Amt", f"<NtryRef>{number}</NtryRef><Amt", 1)


def test_the_number_of_an_entry_is_single_in_its_statement_only() -> None:
    one, other = (statement_from_camt(camt(numbered("1"), numbered("2"), number=text)).lines for text in ("7", "8"))
    assert [line.reference for line in (*one, *other)] == ["7#1", "7#2", "8#1", "8#2"]
    with pytest.raises(BankFileNotReadable):
        statement_from_camt(camt(numbered("1"), number=""))


def test_two_entries_of_one_statement_with_one_reference_are_refused() -> None:
    with pytest.raises(BankFileNotReadable) as refusal:
        statement_from_camt(camt(entry(), entry(reference="2"), entry("5.00")))
    assert refusal.value.metadata == {"entry": "3", "fault": "REFERENCE_TWICE"}


def test_transactions_that_give_no_reference_or_all_the_same_one_are_told_apart_by_their_place() -> None:
    lines = statement_from_camt(
        camt(collected(part("30.00", own="NOTPROVIDED"), part("20.00", own="T"), part("30.00", own="T")))
    ).lines
    assert [line.reference for line in lines] == [f"2026041000001/#{place}" for place in (1, 2, 3)]
    with pytest.raises(BankFileNotReadable):
        statement_from_camt(camt(entry(reference="NONREF")))


@pytest.mark.parametrize(
    ("stated", "day"),
    [
        ("<DtTm>2026-04-09T22:30:00Z</DtTm>", 10),
        ("<DtTm>2026-04-10T22:30:00+03:00</DtTm>", 10),
        ("<DtTm>2026-04-10T22:30:00</DtTm>", 10),
        ("<Dt>2026-04-10+03:00</Dt>", 10),
    ],
)
def test_an_instant_of_booking_counts_by_the_day_in_sofia(stated: str, day: int) -> None:
    (line,) = statement_from_camt(camt(entry().replace("<Dt>2026-04-10</Dt>", stated))).lines
    assert line.booked_on == date(2026, 4, day)


def test_a_statement_in_another_declared_encoding_is_read() -> None:
    newer = camt(entry(details=DETAILS)).decode()
    for encoding in ("windows-1251", "utf-16"):
        (line,) = statement_from_camt(newer.replace("UTF-8", encoding).encode(encoding)).lines
        assert line.payer_name == "Мария Петрова"


def test_a_statement_without_entries_is_empty() -> None:
    assert statement_from_camt(camt()) == Statement((), 0)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"", "0"),
        (b'<?xml version="1.0" encoding="none-such"?><Document/>', "0"),
        (b'<?xml version="1.0" encoding="big5"?><Document/>', "0"),
        (camt(entry(reference="9" * 141)), "1"),
        (camt(entry("1e2")), "1"),
        (camt(entry("80,00")), "1"),
        (b"<Document/>", "0"),
        (b'<!DOCTYPE x [<!ENTITY a "aaaa">]><Document>&a;</Document>', "0"),
        (b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><Document>&a;</Document>', "0"),
        (camt(entry(), entry("80.005", reference="2")), "2"),
        (camt(entry("-80.00")), "1"),
        (camt(entry("NaN")), "1"),
        (camt(entry(reference="")), "1"),
        (camt(entry(), account=""), "1"),
        (camt(entry().replace("2026-04-10", "2026-04-31")), "1"),
    ],
)
def test_what_is_no_statement_is_refused_with_its_place(content: bytes, place: str) -> None:
    with pytest.raises(BankFileNotReadable) as refusal:
        statement_from_camt(content)
    assert refusal.value.metadata["entry"] == place


def table(*rows: str, header: str = ",".join(CSV_COLUMNS)) -> bytes:
    return "\r\n".join((header, *rows)).encode()


def test_a_table_is_read_and_a_debit_skipped() -> None:
    row = f'{OURS},1,2026-04-10,80.00,EUR,RF740000000001,"такса, март",Мария Петрова,BG18RZBB91550123456789'
    statement = statement_from_csv(b"\xef\xbb\xbf" + table(row, f"{OURS},2,2026-04-10,-5.00,EUR,,,,"))
    assert [(line.amount, line.remittance) for line in statement.lines] == [
        (Money.of("80.00", Currency.EUR), "такса, март")
    ]
    assert statement.skipped == 1


@pytest.mark.parametrize("amount", ["0", "0.00", "-0.00"])
def test_a_row_of_nothing_is_skipped(amount: str) -> None:
    statement = statement_from_csv(table(f"{OURS},1,2026-04-10,{amount},EUR,,,,", f"{OURS},2,2026-04-10,5.00,EUR,,,,"))
    assert (len(statement.lines), statement.skipped) == (1, 1)


def test_the_last_four_columns_may_be_absent() -> None:
    header = "account,reference,booked_date,amount,currency"
    assert len(statement_from_csv(table(f"{OURS},1,2026-04-10,80,EUR", header=header)).lines) == 1


@pytest.mark.parametrize(
    "row",
    [
        f"{OURS},1,2026-04-10,80.005,EUR,,,,",
        f"{OURS},1,2026-04-10,many,EUR,,,,",
        f"{OURS},1,2026-04-10,NaN,EUR,,,,",
        f"{OURS},1,2026-04-10,Infinity,EUR,,,,",
        f"{OURS},1,2026-04-10,1e9,EUR,,,,",
        f"{OURS},1,2026-04-10,1_0.00,EUR,,,,",
        f'{OURS},1,2026-04-10,"80,00",EUR,,,,',
        f"{OURS},1,2026-04-10,٨.00,EUR,,,,",
        f"{OURS},{'9' * 141},2026-04-10,80.00,EUR,,,,",
        f"{OURS},1,10.04.2026,80.00,EUR,,,,",
        f"{OURS},1,2026-04-10,80.00,USD,,,,",
        ",1,2026-04-10,80.00,EUR,,,,",
        f"{OURS}",
        f"{OURS},1,2026-04-10,80.00,EUR,,,,,one,too,many",
    ],
)
def test_a_row_that_is_not_as_documented_is_refused_with_its_place(row: str) -> None:
    with pytest.raises(BankFileNotReadable) as refusal:
        statement_from_csv(table(f"{OURS},0,2026-04-10,1.00,EUR,,,,", row))
    assert refusal.value.metadata["entry"] == "2"


def test_two_rows_with_one_reference_are_refused() -> None:
    with pytest.raises(BankFileNotReadable) as refusal:
        statement_from_csv(table(*[f"{OURS},0,2026-04-10,1.00,EUR,,,,"] * 2))
    assert refusal.value.metadata == {"entry": "2", "fault": "REFERENCE_TWICE"}


def test_a_table_without_rows_is_empty() -> None:
    assert statement_from_csv(table()) == Statement((), 0)


@pytest.mark.parametrize(
    "content",
    [
        "такса".encode("cp1251"),
        table("1", header="amount"),
        table("a\0b"),
        b"\n",
        b"no table at all",
        table(header=";".join(CSV_COLUMNS)),
        table(f"{OURS};1;2026-04-10;80,00;EUR;;;;", header=";".join(CSV_COLUMNS)),
        table(header=",".join((*CSV_COLUMNS, "amount"))),
        table(f"{OURS},1,2026-04-10,80.00,EUR,,,,").decode().encode("utf-16"),
    ],
)
def test_a_table_in_another_encoding_or_with_other_columns_is_refused(content: bytes) -> None:
    with pytest.raises(BankFileNotReadable) as refusal:
        statement_from_csv(content)
    assert refusal.value.metadata["entry"] == "0"
