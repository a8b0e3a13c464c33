"""A typed client of Relevé's HTTP API, of the standard library alone.

    from releve_client import Client

    releve = Client("https://billing.example.com", key)
    spend = releve.get_tenant_spend("lab")
    for invoice in releve.all_invoices(state="issued"):
        ...
"""

from . import models, webhooks
from .api import Api
from .http import Http, Page, Refused, Unexpected


class Client(Api):
    """One server, and who we are to it. May be shared by threads."""


__all__ = ["Client", "Http", "Page", "Refused", "Unexpected", "models", "webhooks"]
