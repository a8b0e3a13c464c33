"""What does the backend of a tenant portal ask? What was spent so far, what the month comes to, the tenant's invoices, and a
link into the pages for who wants to see more.

RELEVE_URL=… RELEVE_KEY=… python3 portal_backend.py TENANT, with an operator's key: whoever is signed in to the portal, the key
never reaches the browser. Prints what a page would show, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from releve_client import Client, Refused
from releve_client.models import InvoiceView, MoneyView, NewPortalLink

SHOWN = 12
"""How many invoices the page shows."""
LINK_SECONDS = 300
"""A link is opened at once, or asked for again."""


def page(client: Client, base: str, tenant: str) -> dict[str, Any]:
    # Without a month: the one that runs.
    spend = client.get_tenant_spend(tenant)
    invoices = client.list_tenant_invoices(tenant, limit=SHOWN)
    link = client.create_portal_link(NewPortalLink(tenant=tenant, ttl_seconds=LINK_SECONDS))
    return {
        "month": spend.month,
        "as_of": spend.as_of,
        "spent": money(spend.total),
        # Absent while less than a day of the month has begun.
        "forecast": money(spend.forecast.amount) if spend.forecast else None,
        "without_price_yet": len(spend.unpriced),
        "invoices": [invoice(one) for one in invoices.items],
        # Relative to the server: the pages may be reached under another name than the API.
        "portal": base + link.url,
    }


def invoice(one: InvoiceView) -> dict[str, Any]:
    return {
        "number": one.number,
        "due_at": one.due_at,
        "payable": money(one.payable) if one.payable else None,
        "state": one.payment.state if one.payment else None,
    }


def money(money: MoneyView) -> str:
    return f"{money.amount} {money.currency}"


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: portal_backend.py TENANT")
    base = os.environ["RELEVE_URL"]
    client = Client(base, os.environ["RELEVE_KEY"])
    try:
        shown = page(client, base, sys.argv[1])
    except Refused as refused:
        # A refusal has a stable code: this is how one is told from another.
        if refused.code != "not_found":
            raise
        shown = {"unknown_tenant": sys.argv[1]}
    print(json.dumps(shown, indent=2))


main()
