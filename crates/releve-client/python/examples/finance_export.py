"""What does a finance department take home? The issued invoices of one period: their lines as one CSV, and each document.

RELEVE_URL=… RELEVE_KEY=… python3 finance_export.py 2026-10-01T00:00:00Z DIR, with a key of `operator:read`. It may be run again:
an issued invoice does not change, and a file that is there is written over with the same bytes.
"""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path
from typing import Any, Iterator

from releve_client import Client, Refused
from releve_client.models import InvoiceView

PAGE_LEN = 2
"""Rows of a page: lists are read page after page, however long they are."""
COLUMNS = "number kind issue_date line description tenant quantity quantity_unit unit_price amount currency".split()


def export(client: Client, invoice: InvoiceView, directory: Path) -> Iterator[list[Any]]:
    """Writes an invoice's documents, and gives its rows."""
    assert invoice.number, "an issued invoice has a number"
    (directory / f"{invoice.number}.pdf").write_bytes(client.get_invoice_pdf(invoice.id))
    try:
        (directory / f"{invoice.number}.xml").write_bytes(client.get_invoice_electronic(invoice.id, "ubl").encode())
    except Refused as refused:
        # Not every document has an electronic form: a private customer's in another country, say.
        if refused.code != "not_found":
            raise
    # In the format `releve-invoice/1`. New fields may come; amounts are text, with all their digits.
    document = client.get_invoice_document(invoice.id)
    for line in document["lines"]:
        yield [
            invoice.number,
            # Of a `credit_note`, figures are what is given back, without a sign.
            document["kind"],
            document["issue_date"],
            line["line"],
            line["description"],
            line.get("tenant_name", ""),
            line["quantity"],
            line["quantity_unit"],
            line["unit_price"],
            line["amount"],
            document["currency"],
        ]


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("usage: finance_export.py PERIOD_START DIR")
    client = Client(os.environ["RELEVE_URL"], os.environ["RELEVE_KEY"])
    directory = Path(sys.argv[2])
    directory.mkdir(parents=True, exist_ok=True)
    invoices = 0
    with open(directory / "lines.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        rows.writerow(COLUMNS)
        for invoice in client.all_invoices(state="issued", period_start=sys.argv[1], limit=PAGE_LEN):
            rows.writerows(export(client, invoice, directory))
            invoices += 1
    print(f"{invoices} invoices")


main()
