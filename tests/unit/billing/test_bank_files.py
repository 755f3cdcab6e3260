"""Bank files as banks write them, and as attackers do."""

from __future__ import annotations

from datetime import date

import pytest

from services.billing.domain.payments import BankLine
from services.billing.errors import BankFileNotReadable
from services.billing.wire.bank_csv import CSV_COLUMNS, statement_from_csv
from services.billing.wire.camt import statement_from_camt
from services.kernel.money import Currency, Money

OURS = "BG80BNBG96611020345678"


def camt(*entries: str, version: str = "02", account: str = OURS) -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt>
<GrpHdr><MsgId>1</MsgId></GrpHdr>
<Stmt><Id>1</Id><Acct><Id><IBAN>{account}</IBAN></Id></Acct>{"".join(entries)}</Stmt>
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
        ),
    )


def test_a_later_version_says_status_and_party_one_level_deeper() -> None:
    newer = entry(status="<Cd>BOOK</Cd>", details=DETAILS.replace("<Nm>", "<Pty><Nm>").replace("</Nm>", "</Nm></Pty>"))
    (line,) = statement_from_camt(camt(newer, version="08")).lines
    assert line.payer_name == "Мария Петрова"


def test_debits_pending_entries_reversals_and_other_currencies_are_skipped() -> None:
    statement = statement_from_camt(
        camt(
            entry(way="DBIT"),
            entry(status="PDNG"),
            entry(currency="USD"),
            entry().replace("<Sts>", "<RvslInd>true</RvslInd><Sts>"),
            entry(reference="2"),
        )
    )
    assert (len(statement.lines), statement.skipped) == (1, 4)


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


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"", "0"),
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


def test_the_last_four_columns_may_be_absent() -> None:
    header = "account,reference,booked_date,amount,currency"
    assert len(statement_from_csv(table(f"{OURS},1,2026-04-10,80,EUR", header=header)).lines) == 1


@pytest.mark.parametrize(
    "row",
    [
        f"{OURS},1,2026-04-10,80.005,EUR,,,,",
        f"{OURS},1,2026-04-10,0,EUR,,,,",
        f"{OURS},1,2026-04-10,many,EUR,,,,",
        f"{OURS},1,2026-04-10,NaN,EUR,,,,",
        f"{OURS},1,2026-04-10,Infinity,EUR,,,,",
        f"{OURS},1,2026-04-10,1e9,EUR,,,,",
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


@pytest.mark.parametrize("content", ["такса".encode("cp1251"), table("1", header="amount"), table("a\0b")])
def test_a_table_in_another_encoding_or_with_other_columns_is_refused(content: bytes) -> None:
    with pytest.raises(BankFileNotReadable) as refusal:
        statement_from_csv(content)
    assert refusal.value.metadata["entry"] == "0"
