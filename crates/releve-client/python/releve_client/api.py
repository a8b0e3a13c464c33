"""What can be asked? Made from docs/openapi.json by tests/clients/generate: change it there."""

from __future__ import annotations

from typing import Any, Iterator

from .http import Http, Page
from .models import (
    AcceptanceView,
    AccountAmendment,
    AccountView,
    AgreementView,
    AlertView,
    AllocationView,
    ApiKeyView,
    Asked,
    Assignment,
    AuditEntryView,
    BillingRunView,
    BrandView,
    BudgetChange,
    BudgetStandingView,
    BudgetView,
    Choice,
    ClosingView,
    CoverageView,
    CreditDetailView,
    CreditView,
    DecisionView,
    DeviceView,
    End,
    EntitlementView,
    EvidenceView,
    ExchangeRateView,
    ExportView,
    FateView,
    FatesView,
    FlagView,
    GapView,
    IdentifiedView,
    ImportView,
    InvoiceView,
    IssuerAmendment,
    IssuerView,
    ItemView,
    KeyRuleView,
    KeyView,
    LagoEventAnswer,
    LagoEventBody,
    LagoEventsAnswer,
    LagoEventsBody,
    LedgerAccounts,
    LoginMethodsView,
    LoginView,
    Mapping,
    MembershipView,
    MintedView,
    MovedView,
    NewAcceptance,
    NewAccount,
    NewAgreement,
    NewAnswer,
    NewApiKey,
    NewBrand,
    NewBudget,
    NewClosing,
    NewCredit,
    NewExchangeRate,
    NewExport,
    NewIssuer,
    NewKey,
    NewKeyRule,
    NewMembership,
    NewMove,
    NewNode,
    NewOrder,
    NewPayment,
    NewPortalLink,
    NewPrice,
    NewPriceBook,
    NewProject,
    NewQuestion,
    NewRate,
    NewSessionView,
    NewStatus,
    NewTenant,
    NewTenantApiKey,
    NewTenantWebhookEndpoint,
    NewTerm,
    NewUser,
    NewWebhookEndpoint,
    NodeDetailView,
    NodeReportView,
    NodeView,
    OpeningBalanceView,
    OrderEnd,
    OrderView,
    PaymentView,
    PortalLinkView,
    PriceBookView,
    PriceView,
    ProjectView,
    ProposalView,
    ProvidersAnswer,
    QuarantineGroupView,
    QuarantineView,
    QuestionView,
    QuoteView,
    RateView,
    ReadingsBody,
    Reattribution,
    Redrive,
    Refusal,
    Rejection,
    Release,
    ReportAmendment,
    ReportWithdrawal,
    ResendSince,
    ResentView,
    Revocation,
    Rotation,
    RunAccountView,
    SentView,
    SessionView,
    SkuView,
    SpendSummaryView,
    SpendView,
    StateChange,
    StateView,
    StatusView,
    SuspenseKeyView,
    TakenBackView,
    TenantGapView,
    TenantPriceView,
    TenantView,
    TermView,
    UsageView,
    UserView,
    WayView,
    WebhookDeliveryView,
    WebhookEndpointChange,
    WebhookEndpointView,
    WebhookSecretView,
    Withdrawal,
    WriteOffReason,
    WriteOffView,
)


class Api(Http):
    """Every operation of the API (version 0.1.0), by its name in the document."""

    def create_api_event(self, body: LagoEventBody) -> LagoEventAnswer:
        """Takes a usage event of Lago's. One that was taken before is taken again without being counted. `POST
        /api/v1/events`. With a key of `reading:*`.
        """
        answer: LagoEventAnswer = self._ask("POST", ["api", "v1", "events"], {200: LagoEventAnswer}, body=body, content_type="application/json")
        return answer

    def batch_api_events(self, body: LagoEventsBody) -> LagoEventsAnswer:
        """Takes up to 1,000 usage events of Lago's. If one is not understood, none is counted; send them again once it
        is mended. `POST /api/v1/events/batch`. With a key of `reading:*`.
        """
        answer: LagoEventsAnswer = self._ask("POST", ["api", "v1", "events", "batch"], {200: LagoEventsAnswer}, body=body, content_type="application/json")
        return answer

    def get_healthz(self) -> StatusView:
        """Whether the process runs. `GET /healthz`. Takes any key, or none."""
        answer: StatusView = self._ask("GET", ["healthz"], {200: StatusView})
        return answer

    def get_metrics(self) -> str:
        """What was measured, as Prometheus reads it. What waits in quarantine, and how much of the last full hour the
        nodes in service reported, is asked of the database now. `GET /metrics`. With a key of `metrics:read`.
        """
        answer: str = self._ask("GET", ["metrics"], {200: str})
        return answer

    def get_readyz(self) -> StatusView:
        """Whether it can serve: the database answers, and an aggregator beside it takes what comes. `GET /readyz`.
        Takes any key, or none.
        """
        answer: StatusView = self._ask("GET", ["readyz"], {200: StatusView})
        return answer

    def list_accounts(self, *, limit: int | None = None, cursor: str | None = None) -> Page[AccountView]:
        """Lists accounts by name. `GET /v1/accounts`. With a key of `operator:read`."""
        answer: Page[AccountView] = self._ask("GET", ["v1", "accounts"], {200: Page[AccountView]}, query={"limit": limit, "cursor": cursor})
        return answer

    def all_accounts(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[AccountView]:
        """As `list_accounts`, page after page."""
        return self._pages("GET", ["v1", "accounts"], AccountView, query={"limit": limit, "cursor": cursor})

    def create_account(self, body: NewAccount) -> AccountView:
        """Adds an account, with a contract on a price book. `POST /v1/accounts`. With a key of `operator:write`."""
        answer: AccountView = self._ask("POST", ["v1", "accounts"], {201: AccountView}, body=body, content_type="application/json")
        return answer

    def get_account(self, account: str) -> AccountView:
        """Shows an account, by id or name. `GET /v1/accounts/{account}`. With a key of `operator:read`."""
        answer: AccountView = self._ask("GET", ["v1", "accounts", account], {200: AccountView})
        return answer

    def update_account(self, account: str, body: AccountAmendment) -> AccountView:
        """Changes what the next documents print of an account, and what they have to meet. `PATCH
        /v1/accounts/{account}`. With a key of `operator:write`.
        """
        answer: AccountView = self._ask("PATCH", ["v1", "accounts", account], {200: AccountView}, body=body, content_type="application/json")
        return answer

    def list_account_agreements(self, account: str) -> Page[AgreementView]:
        """Lists what an account agreed to beside its price books, by start. `GET /v1/accounts/{account}/agreements`.
        With a key of `operator:read`.
        """
        answer: Page[AgreementView] = self._ask("GET", ["v1", "accounts", account, "agreements"], {200: Page[AgreementView]})
        return answer

    def create_account_agreement(self, account: str, body: NewAgreement) -> AgreementView:
        """Agrees to something beside the price books. It does not change; it can be ended. `POST
        /v1/accounts/{account}/agreements`. With a key of `operator:write`.
        """
        answer: AgreementView = self._ask("POST", ["v1", "accounts", account, "agreements"], {201: AgreementView}, body=body, content_type="application/json")
        return answer

    def end_account_agreement(self, account: str, agreement: str, body: End) -> AgreementView:
        """Ends an agreement, sooner than it would have. What was invoiced under it stays. `POST
        /v1/accounts/{account}/agreements/{agreement}/end`. With a key of `operator:write`.
        """
        answer: AgreementView = self._ask("POST", ["v1", "accounts", account, "agreements", agreement, "end"], {200: AgreementView}, body=body, content_type="application/json")
        return answer

    def list_account_contracts(self, account: str) -> Page[TermView]:
        """Lists an account's contract: its price books in the order of their start. `GET
        /v1/accounts/{account}/contracts`. With a key of `operator:read`.
        """
        answer: Page[TermView] = self._ask("GET", ["v1", "accounts", account, "contracts"], {200: Page[TermView]})
        return answer

    def create_account_contract(self, account: str, body: NewTerm) -> TermView:
        """Moves an account to a price book from an hour on. Time that has begun keeps its price book. `POST
        /v1/accounts/{account}/contracts`. With a key of `operator:write`.
        """
        answer: TermView = self._ask("POST", ["v1", "accounts", account, "contracts"], {201: TermView}, body=body, content_type="application/json")
        return answer

    def list_account_credits(self, account: str) -> Page[CreditView]:
        """Lists an account's credits, the oldest first. `GET /v1/accounts/{account}/credits`. With a key of
        `operator:read`.
        """
        answer: Page[CreditView] = self._ask("GET", ["v1", "accounts", account, "credits"], {200: Page[CreditView]})
        return answer

    def create_account_credit(self, account: str, body: NewCredit) -> CreditView | ProposalView:
        """Gives an account something to draw on: a grant, or money that it paid in advance. What it is does not
        change; what is left of it follows from its ledger. Above what the settings let one person give, it is a
        proposal that another one has to approve. `POST /v1/accounts/{account}/credits`. With a key of
        `operator:billing` or `operator:write`.
        """
        answer: CreditView | ProposalView = self._ask("POST", ["v1", "accounts", account, "credits"], {201: CreditView, 202: ProposalView}, body=body, content_type="application/json")
        return answer

    def get_account_credit(self, account: str, credit: str) -> CreditDetailView:
        """Shows a credit with its ledger: where each amount came from and went. `GET
        /v1/accounts/{account}/credits/{credit}`. With a key of `operator:read`.
        """
        answer: CreditDetailView = self._ask("GET", ["v1", "accounts", account, "credits", credit], {200: CreditDetailView})
        return answer

    def withdraw_account_credit(self, account: str, credit: str, body: Withdrawal) -> CreditView:
        """Takes back what is left of a credit: of a paid one, its payment has it again. A person's act, on record.
        `POST /v1/accounts/{account}/credits/{credit}/withdraw`. With a key of `operator:billing` or
        `operator:write`.
        """
        answer: CreditView = self._ask("POST", ["v1", "accounts", account, "credits", credit, "withdraw"], {200: CreditView}, body=body, content_type="application/json")
        return answer

    def list_account_opening_balances(self, account: str) -> Page[OpeningBalanceView]:
        """Lists what an account owes on invoices of the system it came from, by when it was due. `GET
        /v1/accounts/{account}/opening-balances`. With a key of `operator:read`.
        """
        answer: Page[OpeningBalanceView] = self._ask("GET", ["v1", "accounts", account, "opening-balances"], {200: Page[OpeningBalanceView]})
        return answer

    def list_account_purchase_orders(self, account: str) -> Page[OrderView]:
        """Lists an account's purchase orders, by start, with what is left of each. `GET
        /v1/accounts/{account}/purchase-orders`. With a key of `operator:read`.
        """
        answer: Page[OrderView] = self._ask("GET", ["v1", "accounts", account, "purchase-orders"], {200: Page[OrderView]})
        return answer

    def create_account_purchase_order(self, account: str, body: NewOrder) -> OrderView:
        """Adds a customer's purchase order. It does not change; it can be ended. `POST
        /v1/accounts/{account}/purchase-orders`. With a key of `operator:billing` or `operator:write`.
        """
        answer: OrderView = self._ask("POST", ["v1", "accounts", account, "purchase-orders"], {201: OrderView}, body=body, content_type="application/json")
        return answer

    def end_account_purchase_order(self, account: str, order: str, body: OrderEnd) -> OrderView:
        """Ends a purchase order, sooner than it would have. What was invoiced under it stays. `POST
        /v1/accounts/{account}/purchase-orders/{order}/end`. With a key of `operator:billing` or `operator:write`.
        """
        answer: OrderView = self._ask("POST", ["v1", "accounts", account, "purchase-orders", order, "end"], {200: OrderView}, body=body, content_type="application/json")
        return answer

    def create_account_quote(self, account: str, body: Asked) -> QuoteView:
        """Says what a month would have cost under other terms. `POST /v1/accounts/{account}/quotes`. With a key of
        `operator:read`.
        """
        answer: QuoteView = self._ask("POST", ["v1", "accounts", account, "quotes"], {200: QuoteView}, body=body, content_type="application/json")
        return answer

    def get_account_spend(self, account: str, *, month: str | None = None) -> SpendView:
        """Shows what an account's month costs so far, all its tenants together. `GET /v1/accounts/{account}/spend`.
        With a key of `operator:read`.
        """
        answer: SpendView = self._ask("GET", ["v1", "accounts", account, "spend"], {200: SpendView}, query={"month": month})
        return answer

    def list_alerts(self, *, state: str | None = None, kind: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[AlertView]:
        """Lists what an operator has to know of the house and of its accounts, the latest first. `GET /v1/alerts`.
        With a key of `operator:read`.
        """
        answer: Page[AlertView] = self._ask("GET", ["v1", "alerts"], {200: Page[AlertView]}, query={"state": state, "kind": kind, "limit": limit, "cursor": cursor})
        return answer

    def all_alerts(self, *, state: str | None = None, kind: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[AlertView]:
        """As `list_alerts`, page after page."""
        return self._pages("GET", ["v1", "alerts"], AlertView, query={"state": state, "kind": kind, "limit": limit, "cursor": cursor})

    def acknowledge_alert(self, alert: str) -> AlertView:
        """Says that a person has looked at an alert. It goes on as long as what it tells of. `POST
        /v1/alerts/{alert}/acknowledge`. With a key of `operator:write`.
        """
        answer: AlertView = self._ask("POST", ["v1", "alerts", alert, "acknowledge"], {200: AlertView})
        return answer

    def list_api_keys(self, *, tenant: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[ApiKeyView]:
        """Lists keys in the order they were made, without the keys themselves. `GET /v1/api-keys`. With a key of
        `operator:read`.
        """
        answer: Page[ApiKeyView] = self._ask("GET", ["v1", "api-keys"], {200: Page[ApiKeyView]}, query={"tenant": tenant, "limit": limit, "cursor": cursor})
        return answer

    def all_api_keys(self, *, tenant: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[ApiKeyView]:
        """As `list_api_keys`, page after page."""
        return self._pages("GET", ["v1", "api-keys"], ApiKeyView, query={"tenant": tenant, "limit": limit, "cursor": cursor})

    def create_api_key(self, body: NewApiKey) -> MintedView:
        """Makes a key and shows it, once. Takes no idempotency key: an answer that can be asked for again would have
        to keep the key. `POST /v1/api-keys`. With a key of `operator:write`.
        """
        answer: MintedView = self._ask("POST", ["v1", "api-keys"], {201: MintedView}, body=body, content_type="application/json")
        return answer

    def delete_api_key(self, key: str) -> None:
        """Revokes a key at once. Revoking it again changes nothing. `DELETE /v1/api-keys/{key}`. With a key of
        `operator:write`.
        """
        self._ask("DELETE", ["v1", "api-keys", key], {204: None})

    def rotate_api_key(self, key: str, body: Rotation) -> MintedView:
        """Makes a key that takes the place of another, with the same name, scopes and tenant, and shows it, once. The
        old one ends after the grace time, with the sessions that came from it. Takes no idempotency key: the new
        key is not kept. `POST /v1/api-keys/{key}/rotate`. With a key of `operator:write`.
        """
        answer: MintedView = self._ask("POST", ["v1", "api-keys", key, "rotate"], {201: MintedView}, body=body, content_type="application/json")
        return answer

    def list_audit_log(self, *, subject: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[AuditEntryView]:
        """Lists changes, the newest first. `GET /v1/audit-log`. With a key of `operator:read`."""
        answer: Page[AuditEntryView] = self._ask("GET", ["v1", "audit-log"], {200: Page[AuditEntryView]}, query={"subject": subject, "limit": limit, "cursor": cursor})
        return answer

    def all_audit_log(self, *, subject: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[AuditEntryView]:
        """As `list_audit_log`, page after page."""
        return self._pages("GET", ["v1", "audit-log"], AuditEntryView, query={"subject": subject, "limit": limit, "cursor": cursor})

    def list_billing_runs(self, *, issuer: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[BillingRunView]:
        """Lists billing runs, the newest first. `GET /v1/billing-runs`. With a key of `operator:read`."""
        answer: Page[BillingRunView] = self._ask("GET", ["v1", "billing-runs"], {200: Page[BillingRunView]}, query={"issuer": issuer, "limit": limit, "cursor": cursor})
        return answer

    def all_billing_runs(self, *, issuer: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[BillingRunView]:
        """As `list_billing_runs`, page after page."""
        return self._pages("GET", ["v1", "billing-runs"], BillingRunView, query={"issuer": issuer, "limit": limit, "cursor": cursor})

    def list_billing_run_accounts(self, run: str, *, limit: int | None = None, cursor: str | None = None) -> Page[RunAccountView]:
        """Lists what became of each account in a run; of an unknown run, nothing. `GET
        /v1/billing-runs/{run}/accounts`. With a key of `operator:read`.
        """
        answer: Page[RunAccountView] = self._ask("GET", ["v1", "billing-runs", run, "accounts"], {200: Page[RunAccountView]}, query={"limit": limit, "cursor": cursor})
        return answer

    def all_billing_run_accounts(self, run: str, *, limit: int | None = None, cursor: str | None = None) -> Iterator[RunAccountView]:
        """As `list_billing_run_accounts`, page after page."""
        return self._pages("GET", ["v1", "billing-runs", run, "accounts"], RunAccountView, query={"limit": limit, "cursor": cursor})

    def list_coverage(self, *, from_: str | None = None, to: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[CoverageView]:
        """Lists nodes that were in service in a stretch, by name, with how much of that time they reported. `GET
        /v1/coverage`. With a key of `operator:read`.
        """
        answer: Page[CoverageView] = self._ask("GET", ["v1", "coverage"], {200: Page[CoverageView]}, query={"from": from_, "to": to, "limit": limit, "cursor": cursor})
        return answer

    def all_coverage(self, *, from_: str | None = None, to: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[CoverageView]:
        """As `list_coverage`, page after page."""
        return self._pages("GET", ["v1", "coverage"], CoverageView, query={"from": from_, "to": to, "limit": limit, "cursor": cursor})

    def get_device(self, gpu: str) -> DeviceView:
        """Shows in which nodes a GPU sat. `GET /v1/devices/{gpu}`. With a key of `operator:read`."""
        answer: DeviceView = self._ask("GET", ["v1", "devices", gpu], {200: DeviceView})
        return answer

    def create_device_move(self, gpu: str, body: NewMove) -> DeviceView:
        """Records that a GPU moved to another node at a whole hour. Refused where time since then was counted
        elsewhere: then either the move was later, or those reports are wrong. `POST /v1/devices/{gpu}/moves`. With
        a key of `operator:write`.
        """
        answer: DeviceView = self._ask("POST", ["v1", "devices", gpu, "moves"], {201: DeviceView}, body=body, content_type="application/json")
        return answer

    def get_error(self, code: str) -> str:
        """What an error's code means and what to do about it: where a problem's `type` points. `GET
        /v1/errors/{code}`. Takes any key, or none.
        """
        answer: str = self._ask("GET", ["v1", "errors", code], {200: str})
        return answer

    def list_exchange_rates(self, *, limit: int | None = None, cursor: str | None = None) -> Page[ExchangeRateView]:
        """Lists exchange rates, the latest made first. `GET /v1/exchange-rates`. With a key of `operator:read`."""
        answer: Page[ExchangeRateView] = self._ask("GET", ["v1", "exchange-rates"], {200: Page[ExchangeRateView]}, query={"limit": limit, "cursor": cursor})
        return answer

    def all_exchange_rates(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[ExchangeRateView]:
        """As `list_exchange_rates`, page after page."""
        return self._pages("GET", ["v1", "exchange-rates"], ExchangeRateView, query={"limit": limit, "cursor": cursor})

    def create_exchange_rate(self, body: NewExchangeRate) -> ExchangeRateView:
        """Adds what a currency cost in another on a day. VAT that is owed in one of them, on an invoice in the other,
        is stated by the rate of the period's last day, or the latest of at most 7 days before it. Told again for a
        day, the later counts; no document changes. `POST /v1/exchange-rates`. With a key of `operator:write`.
        """
        answer: ExchangeRateView = self._ask("POST", ["v1", "exchange-rates"], {201: ExchangeRateView}, body=body, content_type="application/json")
        return answer

    def list_exports(self, *, issuer: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[ExportView]:
        """Lists exports, the newest first. `GET /v1/exports`. With a key of `operator:read`."""
        answer: Page[ExportView] = self._ask("GET", ["v1", "exports"], {200: Page[ExportView]}, query={"issuer": issuer, "limit": limit, "cursor": cursor})
        return answer

    def all_exports(self, *, issuer: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[ExportView]:
        """As `list_exports`, page after page."""
        return self._pages("GET", ["v1", "exports"], ExportView, query={"issuer": issuer, "limit": limit, "cursor": cursor})

    def create_export(self, body: NewExport) -> ExportView:
        """Asks for a month's figures. The jobs make them; the same asked for again is the same version if nothing
        changed. `POST /v1/exports`. With a key of `operator:billing` or `operator:write`.
        """
        answer: ExportView = self._ask("POST", ["v1", "exports"], {202: ExportView}, body=body, content_type="application/json")
        return answer

    def get_export(self, export: str) -> ExportView:
        """Shows an export: how far it has come, and once it is done its manifest. `GET /v1/exports/{export}`. With a
        key of `operator:read`.
        """
        answer: ExportView = self._ask("GET", ["v1", "exports", export], {200: ExportView})
        return answer

    def get_export_file(self, export: str, name: str) -> bytes:
        """Gives a file of an export that is done, by its name in the manifest. `GET
        /v1/exports/{export}/files/{name}`. With a key of `operator:read`.
        """
        answer: bytes = self._ask("GET", ["v1", "exports", export, "files", name], {200: bytes})
        return answer

    def list_gaps(self, *, from_: str | None = None, to: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[GapView]:
        """Lists stretches in which a node was in service and said nothing, and that nobody accepted. `GET /v1/gaps`.
        With a key of `operator:read`.
        """
        answer: Page[GapView] = self._ask("GET", ["v1", "gaps"], {200: Page[GapView]}, query={"from": from_, "to": to, "limit": limit, "cursor": cursor})
        return answer

    def all_gaps(self, *, from_: str | None = None, to: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[GapView]:
        """As `list_gaps`, page after page."""
        return self._pages("GET", ["v1", "gaps"], GapView, query={"from": from_, "to": to, "limit": limit, "cursor": cursor})

    def accept_gaps(self, body: NewAcceptance) -> AcceptanceView:
        """Decides to bill around a missing stretch: it holds no invoice back any more. Kept for ever, and can't be
        undone; what comes late all the same is counted. `POST /v1/gaps/accept`. With a key of `operator:write`.
        """
        answer: AcceptanceView = self._ask("POST", ["v1", "gaps", "accept"], {201: AcceptanceView}, body=body, content_type="application/json")
        return answer

    def list_hand_overs(self, *, limit: int | None = None, cursor: str | None = None) -> Page[WayView]:
        """Lists documents whose way needs a person: those that could not be handed over, that the platform rejected,
        or that the customer refused. A page may hold fewer than it could, or none, and still have a next one. `GET
        /v1/hand-overs`. With a key of `operator:read`.
        """
        answer: Page[WayView] = self._ask("GET", ["v1", "hand-overs"], {200: Page[WayView]}, query={"limit": limit, "cursor": cursor})
        return answer

    def all_hand_overs(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[WayView]:
        """As `list_hand_overs`, page after page."""
        return self._pages("GET", ["v1", "hand-overs"], WayView, query={"limit": limit, "cursor": cursor})

    def list_invoices(self, *, account: str | None = None, issuer: str | None = None, state: str | None = None, period_start: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[InvoiceView]:
        """Lists invoices in the order they were made. `GET /v1/invoices`. With a key of `operator:read`."""
        answer: Page[InvoiceView] = self._ask("GET", ["v1", "invoices"], {200: Page[InvoiceView]}, query={"account": account, "issuer": issuer, "state": state, "period_start": period_start, "limit": limit, "cursor": cursor})
        return answer

    def all_invoices(self, *, account: str | None = None, issuer: str | None = None, state: str | None = None, period_start: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[InvoiceView]:
        """As `list_invoices`, page after page."""
        return self._pages("GET", ["v1", "invoices"], InvoiceView, query={"account": account, "issuer": issuer, "state": state, "period_start": period_start, "limit": limit, "cursor": cursor})

    def get_invoice(self, invoice: str) -> InvoiceView:
        """Shows an invoice's state, by id or number: what holds it back, or what of it is paid. `GET
        /v1/invoices/{invoice}`. With a key of `operator:read`.
        """
        answer: InvoiceView = self._ask("GET", ["v1", "invoices", invoice], {200: InvoiceView})
        return answer

    def get_invoice_document(self, invoice: str) -> Any:
        """Gives an issued invoice as JSON: the bytes that the customer got. `GET /v1/invoices/{invoice}/document`.
        With a key of `operator:read`.
        """
        answer: Any = self._ask("GET", ["v1", "invoices", invoice, "document"], {200: Any})
        return answer

    def get_invoice_electronic(self, invoice: str, syntax: str) -> str:
        """Gives an issued invoice as an electronic one of EN 16931, in `ubl` or `cii`: the bytes that the customer
        got. What a seller issues that is no taxable person has none. `GET
        /v1/invoices/{invoice}/electronic/{syntax}`. With a key of `operator:read`.
        """
        answer: str = self._ask("GET", ["v1", "invoices", invoice, "electronic", syntax], {200: str})
        return answer

    def get_invoice_hand_over(self, invoice: str) -> WayView:
        """Shows where an issued document is on its way to its customer. `GET /v1/invoices/{invoice}/hand-over`. With a
        key of `operator:read`.
        """
        answer: WayView = self._ask("GET", ["v1", "invoices", invoice, "hand-over"], {200: WayView})
        return answer

    def get_invoice_pack(self, invoice: str) -> bytes:
        """Gives an issued invoice's evidence pack, a tar archive: the invoice, what it rests on, and of the nodes'
        signed reports the account's own part. `releve verify` makes the invoice again of it, offline. `GET
        /v1/invoices/{invoice}/pack`. With a key of `operator:read`.
        """
        answer: bytes = self._ask("GET", ["v1", "invoices", invoice, "pack"], {200: bytes})
        return answer

    def get_invoice_page(self, invoice: str) -> str:
        """Gives an issued invoice as a page: the bytes that the customer got. `GET /v1/invoices/{invoice}/page`. With
        a key of `operator:read`.
        """
        answer: str = self._ask("GET", ["v1", "invoices", invoice, "page"], {200: str})
        return answer

    def get_invoice_pdf(self, invoice: str) -> bytes:
        """Gives an issued invoice as a PDF/A-3b: the bytes that the customer got. Where there is an electronic
        invoice, it is attached as `factur-x.xml`, and the file is Factur-X. `GET /v1/invoices/{invoice}/pdf`. With
        a key of `operator:read`.
        """
        answer: bytes = self._ask("GET", ["v1", "invoices", invoice, "pdf"], {200: bytes})
        return answer

    def reinstate_invoice(self, invoice: str, body: WriteOffReason) -> WriteOffView:
        """Takes back what was given up of an invoice, or so much of it: the customer owes it, and is reminded, again.
        `POST /v1/invoices/{invoice}/reinstate`. With a key of `operator:billing` or `operator:write`.
        """
        answer: WriteOffView = self._ask("POST", ["v1", "invoices", invoice, "reinstate"], {200: WriteOffView}, body=body, content_type="application/json")
        return answer

    def create_invoice_status(self, invoice: str, body: NewStatus) -> WayView:
        """Records what a platform, or the customer, told of an issued document. The latest by when it happened is its
        state; of one that was rejected or refused nobody is reminded. No money moves by it: that is a payment's
        part. `POST /v1/invoices/{invoice}/statuses`. With a key of `operator:billing` or `operator:write`.
        """
        answer: WayView = self._ask("POST", ["v1", "invoices", invoice, "statuses"], {200: WayView, 201: WayView}, body=body, content_type="application/json")
        return answer

    def write_off_invoice(self, invoice: str, body: WriteOffReason) -> WriteOffView:
        """Gives up what is open of an invoice, or so much of it. What is paid later all the same takes its place.
        `POST /v1/invoices/{invoice}/write-off`. With a key of `operator:billing` or `operator:write`.
        """
        answer: WriteOffView = self._ask("POST", ["v1", "invoices", invoice, "write-off"], {200: WriteOffView}, body=body, content_type="application/json")
        return answer

    def list_issuers(self) -> Page[IssuerView]:
        """Lists the issuers. `GET /v1/issuers`. With a key of `operator:read`."""
        answer: Page[IssuerView] = self._ask("GET", ["v1", "issuers"], {200: Page[IssuerView]})
        return answer

    def create_issuer(self, body: NewIssuer) -> IssuerView:
        """Adds an issuer. `POST /v1/issuers`. With a key of `operator:write`."""
        answer: IssuerView = self._ask("POST", ["v1", "issuers"], {201: IssuerView}, body=body, content_type="application/json")
        return answer

    def get_issuer(self, issuer: str) -> IssuerView:
        """Shows an issuer, by id or name. `GET /v1/issuers/{issuer}`. With a key of `operator:read`."""
        answer: IssuerView = self._ask("GET", ["v1", "issuers", issuer], {200: IssuerView})
        return answer

    def update_issuer(self, issuer: str, body: IssuerAmendment) -> IssuerView:
        """Changes what the next documents print of an issuer. `PATCH /v1/issuers/{issuer}`. With a key of
        `operator:write`.
        """
        answer: IssuerView = self._ask("PATCH", ["v1", "issuers", issuer], {200: IssuerView}, body=body, content_type="application/json")
        return answer

    def get_issuer_brand(self, issuer: str) -> BrandView:
        """Shows how an issuer's next documents look. `GET /v1/issuers/{issuer}/brand`. With a key of `operator:read`."""
        answer: BrandView = self._ask("GET", ["v1", "issuers", issuer, "brand"], {200: BrandView})
        return answer

    def put_issuer_brand(self, issuer: str, body: NewBrand) -> BrandView:
        """Says how an issuer's documents look that are issued from now on: their page, and their PDF. What is issued
        stays as it is. `PUT /v1/issuers/{issuer}/brand`. With a key of `operator:write`.
        """
        answer: BrandView = self._ask("PUT", ["v1", "issuers", issuer, "brand"], {200: BrandView}, body=body, content_type="application/json")
        return answer

    def create_issuer_closing(self, issuer: str, body: NewClosing) -> ClosingView:
        """Closes a month for the books: what of usage was not invoiced when it ended is kept as it is known now, and
        opens the next month. What comes late is earned in the month in which it comes. `POST
        /v1/issuers/{issuer}/closings`. With a key of `operator:billing` or `operator:write`.
        """
        answer: ClosingView = self._ask("POST", ["v1", "issuers", issuer, "closings"], {200: ClosingView}, body=body, content_type="application/json")
        return answer

    def get_issuer_ledger_accounts(self, issuer: str) -> LedgerAccounts:
        """Shows on which accounts an issuer's journal books, where they are its own. `GET
        /v1/issuers/{issuer}/ledger-accounts`. With a key of `operator:read`.
        """
        answer: LedgerAccounts = self._ask("GET", ["v1", "issuers", issuer, "ledger-accounts"], {200: LedgerAccounts})
        return answer

    def put_issuer_ledger_accounts(self, issuer: str, body: LedgerAccounts) -> LedgerAccounts:
        """Says on which accounts an issuer's journal books from now on. `PUT /v1/issuers/{issuer}/ledger-accounts`.
        With a key of `operator:write`.
        """
        answer: LedgerAccounts = self._ask("PUT", ["v1", "issuers", issuer, "ledger-accounts"], {200: LedgerAccounts}, body=body, content_type="application/json")
        return answer

    def list_issuer_vat_rates(self, issuer: str) -> Page[RateView]:
        """Lists a seller's rates by country, class and start. `GET /v1/issuers/{issuer}/vat-rates`. With a key of
        `operator:read`.
        """
        answer: Page[RateView] = self._ask("GET", ["v1", "issuers", issuer, "vat-rates"], {200: Page[RateView]})
        return answer

    def create_issuer_vat_rate(self, issuer: str, body: NewRate) -> RateView:
        """Adds a rate of VAT, from an hour on. A rate that has begun does not change. `POST
        /v1/issuers/{issuer}/vat-rates`. With a key of `operator:write`.
        """
        answer: RateView = self._ask("POST", ["v1", "issuers", issuer, "vat-rates"], {201: RateView}, body=body, content_type="application/json")
        return answer

    def list_key_rules(self, *, key: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[KeyRuleView]:
        """Lists rules in the order they were written. `GET /v1/key-rules`. With a key of `operator:read`."""
        answer: Page[KeyRuleView] = self._ask("GET", ["v1", "key-rules"], {200: Page[KeyRuleView]}, query={"key": key, "limit": limit, "cursor": cursor})
        return answer

    def all_key_rules(self, *, key: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[KeyRuleView]:
        """As `list_key_rules`, page after page."""
        return self._pages("GET", ["v1", "key-rules"], KeyRuleView, query={"key": key, "limit": limit, "cursor": cursor})

    def create_key_rule(self, body: NewKeyRule) -> KeyRuleView:
        """Says who is behind a tenant key from an hour on. `POST /v1/key-rules`. With a key of `operator:write`."""
        answer: KeyRuleView = self._ask("POST", ["v1", "key-rules"], {201: KeyRuleView}, body=body, content_type="application/json")
        return answer

    def get_login_methods(self) -> LoginMethodsView:
        """Says how people may sign in. `GET /v1/login-methods`. Takes any key, or none."""
        answer: LoginMethodsView = self._ask("GET", ["v1", "login-methods"], {200: LoginMethodsView})
        return answer

    def create_login(self) -> LoginView:
        """Begins a login with the identity provider. `POST /v1/logins`. Takes any key, or none."""
        answer: LoginView = self._ask("POST", ["v1", "logins"], {201: LoginView})
        return answer

    def choose_logins(self, body: Choice) -> NewSessionView:
        """Starts a session of at most 8 hours in one of the person's memberships. It ends with that. `POST
        /v1/logins/choose`. Takes any key, or none.
        """
        answer: NewSessionView = self._ask("POST", ["v1", "logins", "choose"], {201: NewSessionView}, body=body, content_type="application/json")
        return answer

    def identify_logins(self, body: ProvidersAnswer) -> IdentifiedView:
        """Takes the provider's answer, once, and says as what the person may come. Who is nothing here is not kept.
        `POST /v1/logins/identify`. Takes any key, or none.
        """
        answer: IdentifiedView = self._ask("POST", ["v1", "logins", "identify"], {200: IdentifiedView}, body=body, content_type="application/json")
        return answer

    def list_memberships(self, *, user: str | None = None, tenant: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[MembershipView]:
        """Lists who is what to whom, in the order in which it was given. `GET /v1/memberships`. With a key of
        `operator:write`.
        """
        answer: Page[MembershipView] = self._ask("GET", ["v1", "memberships"], {200: Page[MembershipView]}, query={"user": user, "tenant": tenant, "limit": limit, "cursor": cursor})
        return answer

    def all_memberships(self, *, user: str | None = None, tenant: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[MembershipView]:
        """As `list_memberships`, page after page."""
        return self._pages("GET", ["v1", "memberships"], MembershipView, query={"user": user, "tenant": tenant, "limit": limit, "cursor": cursor})

    def create_membership(self, body: NewMembership) -> MembershipView:
        """Gives a person a role, with the operator or with a tenant. There is one of each: to change it, take it away
        first. `POST /v1/memberships`. With a key of `operator:write`.
        """
        answer: MembershipView = self._ask("POST", ["v1", "memberships"], {201: MembershipView}, body=body, content_type="application/json")
        return answer

    def delete_membership(self, membership: str) -> None:
        """Takes a role away at once, with the sessions that it opened. One that the identity provider's groups give
        comes back at the next login. `DELETE /v1/memberships/{membership}`. With a key of `operator:write`.
        """
        self._ask("DELETE", ["v1", "memberships", membership], {204: None})

    def list_nodes(self, *, limit: int | None = None, cursor: str | None = None) -> Page[NodeView]:
        """Lists nodes by name, with their state now. `GET /v1/nodes`. With a key of `operator:read`."""
        answer: Page[NodeView] = self._ask("GET", ["v1", "nodes"], {200: Page[NodeView]}, query={"limit": limit, "cursor": cursor})
        return answer

    def all_nodes(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[NodeView]:
        """As `list_nodes`, page after page."""
        return self._pages("GET", ["v1", "nodes"], NodeView, query={"limit": limit, "cursor": cursor})

    def create_node(self, body: NewNode) -> NodeDetailView:
        """Registers a node with its first state, and its key if it is known. `POST /v1/nodes`. With a key of
        `operator:write`.
        """
        answer: NodeDetailView = self._ask("POST", ["v1", "nodes"], {201: NodeDetailView}, body=body, content_type="application/json")
        return answer

    def get_node(self, node: str) -> NodeDetailView:
        """Shows a node with all its states and keys, by id or name. `GET /v1/nodes/{node}`. With a key of
        `operator:read`.
        """
        answer: NodeDetailView = self._ask("GET", ["v1", "nodes", node], {200: NodeDetailView})
        return answer

    def list_node_flags(self, node: str, *, from_: str | None = None, to: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[FlagView]:
        """Lists what is odd about a node's counted reports of at most a day, by time: breaks in their sequence or
        their chain of digests, a clock not to be believed, devices held while they were not well. A break is told
        where the report after it begins, if that is within a day. Flags decide nothing. Archived days have left the
        database and show none. `GET /v1/nodes/{node}/flags`. With a key of `operator:read`.
        """
        answer: Page[FlagView] = self._ask("GET", ["v1", "nodes", node, "flags"], {200: Page[FlagView]}, query={"from": from_, "to": to, "limit": limit, "cursor": cursor})
        return answer

    def all_node_flags(self, node: str, *, from_: str | None = None, to: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[FlagView]:
        """As `list_node_flags`, page after page."""
        return self._pages("GET", ["v1", "nodes", node, "flags"], FlagView, query={"from": from_, "to": to, "limit": limit, "cursor": cursor})

    def create_node_key(self, node: str, body: NewKey) -> KeyView:
        """Adds a key that a node signs with. `POST /v1/nodes/{node}/keys`. With a key of `operator:write`."""
        answer: KeyView = self._ask("POST", ["v1", "nodes", node, "keys"], {201: KeyView}, body=body, content_type="application/json")
        return answer

    def revoke_node_key(self, node: str, keyid: str, body: Revocation) -> KeyView:
        """Revokes a node's key from an instant on. `POST /v1/nodes/{node}/keys/{keyid}/revoke`. With a key of
        `operator:write`.
        """
        answer: KeyView = self._ask("POST", ["v1", "nodes", node, "keys", keyid, "revoke"], {201: KeyView}, body=body, content_type="application/json")
        return answer

    def list_node_reports(self, node: str, *, from_: str | None = None, to: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[NodeReportView]:
        """Lists a node's stored reports by window, those that count no more among them. Days that were archived have
        left the database. `GET /v1/nodes/{node}/reports`. With a key of `operator:read`.
        """
        answer: Page[NodeReportView] = self._ask("GET", ["v1", "nodes", node, "reports"], {200: Page[NodeReportView]}, query={"from": from_, "to": to, "limit": limit, "cursor": cursor})
        return answer

    def all_node_reports(self, node: str, *, from_: str | None = None, to: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[NodeReportView]:
        """As `list_node_reports`, page after page."""
        return self._pages("GET", ["v1", "nodes", node, "reports"], NodeReportView, query={"from": from_, "to": to, "limit": limit, "cursor": cursor})

    def withdraw_node_reports(self, node: str, body: ReportWithdrawal) -> TakenBackView:
        """Withdraws a node's counted reports whose windows lie in a stretch: what they counted is taken back from
        whoever it stands with by now, and the time is a gap until another report of it comes. The reports are kept.
        What is on an invoice comes back by a correction. A UTC day a transaction; doing it again takes back nothing
        more. `POST /v1/nodes/{node}/reports/withdraw`. With a key of `operator:write`.
        """
        answer: TakenBackView = self._ask("POST", ["v1", "nodes", node, "reports", "withdraw"], {200: TakenBackView}, body=body, content_type="application/json")
        return answer

    def create_node_state(self, node: str, body: StateChange) -> StateView:
        """Says where a node stands and whether it serves, from an hour on. `POST /v1/nodes/{node}/states`. With a key
        of `operator:write`.
        """
        answer: StateView = self._ask("POST", ["v1", "nodes", node, "states"], {201: StateView}, body=body, content_type="application/json")
        return answer

    def get_openapi(self) -> Any:
        """This document. `GET /v1/openapi.json`. Takes any key, or none."""
        answer: Any = self._ask("GET", ["v1", "openapi.json"], {200: Any})
        return answer

    def list_payments(self, *, issuer: str | None = None, invoice: str | None = None, held: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[PaymentView]:
        """Lists payments in the order in which they were recorded. `GET /v1/payments`. With a key of `operator:read`."""
        answer: Page[PaymentView] = self._ask("GET", ["v1", "payments"], {200: Page[PaymentView]}, query={"issuer": issuer, "invoice": invoice, "held": held, "limit": limit, "cursor": cursor})
        return answer

    def all_payments(self, *, issuer: str | None = None, invoice: str | None = None, held: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[PaymentView]:
        """As `list_payments`, page after page."""
        return self._pages("GET", ["v1", "payments"], PaymentView, query={"issuer": issuer, "invoice": invoice, "held": held, "limit": limit, "cursor": cursor})

    def create_payment(self, body: NewPayment) -> PaymentView:
        """Records a payment. It settles the document that it names, up to what is open; what is left waits for a
        person. Told again under its reference, it changes nothing. `POST /v1/payments`. With a key of
        `operator:billing` or `operator:write`.
        """
        answer: PaymentView = self._ask("POST", ["v1", "payments"], {200: PaymentView, 201: PaymentView}, body=body, content_type="application/json")
        return answer

    def import_payments(self, body: str, *, issuer: str | None = None) -> ImportView:
        """Records what a bank's file says was booked: a statement (camt.053) or a notification (camt.054) of ISO
        20022, any version. Sent again, it changes nothing. Import one kind for an account: what the bank books in
        bulk has one reference in the one and many in the other. `POST /v1/payments/import`. With a key of
        `operator:billing` or `operator:write`.
        """
        answer: ImportView = self._ask("POST", ["v1", "payments", "import"], {200: ImportView}, query={"issuer": issuer}, body=body, content_type="application/xml")
        return answer

    def get_payment(self, payment: str) -> PaymentView:
        """Shows a payment, with what it settles. `GET /v1/payments/{payment}`. With a key of `operator:read`."""
        answer: PaymentView = self._ask("GET", ["v1", "payments", payment], {200: PaymentView})
        return answer

    def assign_payment(self, payment: str, body: Assignment) -> PaymentView:
        """Sets what is left of a payment against a document. A person's act, on record. `POST
        /v1/payments/{payment}/assign`. With a key of `operator:billing` or `operator:write`.
        """
        answer: PaymentView = self._ask("POST", ["v1", "payments", payment, "assign"], {200: PaymentView}, body=body, content_type="application/json")
        return answer

    def release_payment(self, payment: str, body: Release) -> PaymentView:
        """Takes what a payment settles of a document off it again. A person's act, on record. `POST
        /v1/payments/{payment}/release`. With a key of `operator:billing` or `operator:write`.
        """
        answer: PaymentView = self._ask("POST", ["v1", "payments", payment, "release"], {200: PaymentView}, body=body, content_type="application/json")
        return answer

    def create_portal_link(self, body: NewPortalLink) -> PortalLinkView:
        """Makes a link that starts a session of a tenant, once. Takes no idempotency key: the link is not kept. `POST
        /v1/portal-links`. With a key of `operator:write`.
        """
        answer: PortalLinkView = self._ask("POST", ["v1", "portal-links"], {201: PortalLinkView}, body=body, content_type="application/json")
        return answer

    def list_price_books(self) -> Page[PriceBookView]:
        """Lists the price books. `GET /v1/price-books`. With a key of `operator:read`."""
        answer: Page[PriceBookView] = self._ask("GET", ["v1", "price-books"], {200: Page[PriceBookView]})
        return answer

    def create_price_book(self, body: NewPriceBook) -> PriceBookView:
        """Adds a price book. `POST /v1/price-books`. With a key of `operator:write`."""
        answer: PriceBookView = self._ask("POST", ["v1", "price-books"], {201: PriceBookView}, body=body, content_type="application/json")
        return answer

    def list_prices(self, *, price_book: str | None = None, sku: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[PriceView]:
        """Lists a price book's prices by SKU and start. `GET /v1/prices`. With a key of `operator:read`."""
        answer: Page[PriceView] = self._ask("GET", ["v1", "prices"], {200: Page[PriceView]}, query={"price_book": price_book, "sku": sku, "limit": limit, "cursor": cursor})
        return answer

    def all_prices(self, *, price_book: str | None = None, sku: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[PriceView]:
        """As `list_prices`, page after page."""
        return self._pages("GET", ["v1", "prices"], PriceView, query={"price_book": price_book, "sku": sku, "limit": limit, "cursor": cursor})

    def create_price(self, body: NewPrice) -> PriceView:
        """Adds a price. It holds from its start until the next one of the SKU; time that had a price and has begun
        keeps it. `POST /v1/prices`. With a key of `operator:write`.
        """
        answer: PriceView = self._ask("POST", ["v1", "prices"], {201: PriceView}, body=body, content_type="application/json")
        return answer

    def list_proposals(self, *, waiting: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[ProposalView]:
        """Lists what was proposed, the latest first. `GET /v1/proposals`. With a key of `operator:read`."""
        answer: Page[ProposalView] = self._ask("GET", ["v1", "proposals"], {200: Page[ProposalView]}, query={"waiting": waiting, "limit": limit, "cursor": cursor})
        return answer

    def all_proposals(self, *, waiting: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[ProposalView]:
        """As `list_proposals`, page after page."""
        return self._pages("GET", ["v1", "proposals"], ProposalView, query={"waiting": waiting, "limit": limit, "cursor": cursor})

    def approve_proposal(self, proposal: str) -> ProposalView:
        """Approves what another person proposed, and does it. Nobody approves what they proposed themselves: not with
        the same key, nor with a session of it, nor with one that took its place, that it made, or that the same
        person made. `POST /v1/proposals/{proposal}/approve`. With a key of `operator:billing` or `operator:write`.
        """
        answer: ProposalView = self._ask("POST", ["v1", "proposals", proposal, "approve"], {200: ProposalView})
        return answer

    def refuse_proposal(self, proposal: str, body: Refusal) -> ProposalView:
        """Refuses what was proposed. Whoever proposed it may, too: it takes it back. `POST
        /v1/proposals/{proposal}/refuse`. With a key of `operator:billing` or `operator:write`.
        """
        answer: ProposalView = self._ask("POST", ["v1", "proposals", proposal, "refuse"], {200: ProposalView}, body=body, content_type="application/json")
        return answer

    def list_quarantine(self, *, status: str | None = None, reason: str | None = None, agent: str | None = None, rack: str | None = None, node: str | None = None, tenant: str | None = None, received_from: str | None = None, received_to: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[QuarantineView]:
        """Lists quarantined messages in the order they came. `GET /v1/quarantine`. With a key of `operator:read`."""
        answer: Page[QuarantineView] = self._ask("GET", ["v1", "quarantine"], {200: Page[QuarantineView]}, query={"status": status, "reason": reason, "agent": agent, "rack": rack, "node": node, "tenant": tenant, "received_from": received_from, "received_to": received_to, "limit": limit, "cursor": cursor})
        return answer

    def all_quarantine(self, *, status: str | None = None, reason: str | None = None, agent: str | None = None, rack: str | None = None, node: str | None = None, tenant: str | None = None, received_from: str | None = None, received_to: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[QuarantineView]:
        """As `list_quarantine`, page after page."""
        return self._pages("GET", ["v1", "quarantine"], QuarantineView, query={"status": status, "reason": reason, "agent": agent, "rack": rack, "node": node, "tenant": tenant, "received_from": received_from, "received_to": received_to, "limit": limit, "cursor": cursor})

    def amend_quarantine(self, body: ReportAmendment) -> TakenBackView:
        """Counts waiting reports in place of the counted ones that they overlap, a page at a time, in the order they
        came: of two that overlap, the later one stands. What is superseded is kept, and taken back from whoever it
        stands with by now. A message that is not believed for another reason waits on. Doing it again changes
        nothing more. `POST /v1/quarantine/amend`. With a key of `operator:write`.
        """
        answer: TakenBackView = self._ask("POST", ["v1", "quarantine", "amend"], {200: TakenBackView}, body=body, content_type="application/json")
        return answer

    def list_quarantine_groups(self, *, status: str | None = None, reason: str | None = None, agent: str | None = None, rack: str | None = None, node: str | None = None, tenant: str | None = None, received_from: str | None = None, received_to: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[QuarantineGroupView]:
        """Groups quarantined messages by reason, agent version and rack, the largest group first. `GET
        /v1/quarantine/groups`. With a key of `operator:read`.
        """
        answer: Page[QuarantineGroupView] = self._ask("GET", ["v1", "quarantine", "groups"], {200: Page[QuarantineGroupView]}, query={"status": status, "reason": reason, "agent": agent, "rack": rack, "node": node, "tenant": tenant, "received_from": received_from, "received_to": received_to, "limit": limit, "cursor": cursor})
        return answer

    def all_quarantine_groups(self, *, status: str | None = None, reason: str | None = None, agent: str | None = None, rack: str | None = None, node: str | None = None, tenant: str | None = None, received_from: str | None = None, received_to: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[QuarantineGroupView]:
        """As `list_quarantine_groups`, page after page."""
        return self._pages("GET", ["v1", "quarantine", "groups"], QuarantineGroupView, query={"status": status, "reason": reason, "agent": agent, "rack": rack, "node": node, "tenant": tenant, "received_from": received_from, "received_to": received_to, "limit": limit, "cursor": cursor})

    def redrive_quarantine(self, body: Redrive) -> DecisionView:
        """Judges waiting reports again, after what stood in their way was mended: a page at a time, in the order they
        came. Doing it twice is harmless, so it takes no idempotency key. `POST /v1/quarantine/redrive`. With a key
        of `operator:write`.
        """
        answer: DecisionView = self._ask("POST", ["v1", "quarantine", "redrive"], {200: DecisionView}, body=body, content_type="application/json")
        return answer

    def reject_quarantine(self, body: Rejection) -> DecisionView:
        """Decides that waiting messages are not to be counted. Their bytes stay, and the verdict stands on redelivery.
        `POST /v1/quarantine/reject`. With a key of `operator:write`.
        """
        answer: DecisionView = self._ask("POST", ["v1", "quarantine", "reject"], {200: DecisionView}, body=body, content_type="application/json")
        return answer

    def get_quarantine(self, id: str) -> QuarantineView:
        """Shows a quarantined message. `GET /v1/quarantine/{id}`. With a key of `operator:read`."""
        answer: QuarantineView = self._ask("GET", ["v1", "quarantine", id], {200: QuarantineView})
        return answer

    def get_quarantine_body(self, id: str) -> bytes:
        """Gives the bytes of a quarantined message as they came (unsigned ones up to a limit). `GET
        /v1/quarantine/{id}/body`. With a key of `operator:read`.
        """
        answer: bytes = self._ask("GET", ["v1", "quarantine", id, "body"], {200: bytes})
        return answer

    def list_questions(self, *, state: str | None = None, invoice: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[QuestionView]:
        """Lists what customers questioned, the latest first. `GET /v1/questions`. With a key of `operator:read`."""
        answer: Page[QuestionView] = self._ask("GET", ["v1", "questions"], {200: Page[QuestionView]}, query={"state": state, "invoice": invoice, "limit": limit, "cursor": cursor})
        return answer

    def all_questions(self, *, state: str | None = None, invoice: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[QuestionView]:
        """As `list_questions`, page after page."""
        return self._pages("GET", ["v1", "questions"], QuestionView, query={"state": state, "invoice": invoice, "limit": limit, "cursor": cursor})

    def answer_question(self, question: str, body: NewAnswer) -> QuestionView:
        """Answers a question, once: with the credit note that was issued for it, or with why the line stands. `POST
        /v1/questions/{question}/answer`. With a key of `operator:billing` or `operator:write`.
        """
        answer: QuestionView = self._ask("POST", ["v1", "questions", question, "answer"], {200: QuestionView}, body=body, content_type="application/json")
        return answer

    def create_reading(self, body: ReadingsBody) -> FatesView | FateView:
        """Takes a reading, or an array of up to 1,000: then each has its own fate, in the order of the array. `POST
        /v1/readings`. With a key of `reading:*`.
        """
        answer: FatesView | FateView = self._ask("POST", ["v1", "readings"], {200: FatesView, 202: FateView}, body=body, content_type="application/json")
        return answer

    def create_report(self, body: Any) -> FateView:
        """Takes one report, as its node signed it. Counted, known or quarantined: it is safe here. Refused: keep it.
        `POST /v1/reports`. With a key of `agent`.
        """
        answer: FateView = self._ask("POST", ["v1", "reports"], {200: FateView, 202: FateView}, body=body, content_type="application/cloudevents+json")
        return answer

    def batch_reports(self, body: list[Any]) -> list[ItemView]:
        """Takes up to 1,000 reports. Each has its own fate; the answer lists them in the order of the batch. `POST
        /v1/reports/batch`. With a key of `agent`.
        """
        answer: list[ItemView] = self._ask("POST", ["v1", "reports", "batch"], {200: list[ItemView]}, body=body, content_type="application/cloudevents-batch+json")
        return answer

    def get_session(self) -> SessionView:
        """Says who is asking: what the bearer may do, and until when. `GET /v1/session`. With a key of `tenant:read`
        or `operator:read`.
        """
        answer: SessionView = self._ask("GET", ["v1", "session"], {200: SessionView})
        return answer

    def delete_session(self) -> None:
        """Ends the session that asks, at once. A key has none to end. `DELETE /v1/session`. With a key of
        `tenant:read` or `operator:read`.
        """
        self._ask("DELETE", ["v1", "session"], {204: None})

    def create_session(self) -> NewSessionView:
        """Starts a session of at most 8 hours with what its key may read and change. The bearer is a key, or a link,
        which is used up by it. A session starts none. `POST /v1/sessions`. With a key of `tenant:read` or
        `operator:read`.
        """
        answer: NewSessionView = self._ask("POST", ["v1", "sessions"], {201: NewSessionView})
        return answer

    def list_skus(self, *, limit: int | None = None, cursor: str | None = None) -> Page[SkuView]:
        """Lists SKUs by name. They come to be by being used or priced. `GET /v1/skus`. With a key of `operator:read`."""
        answer: Page[SkuView] = self._ask("GET", ["v1", "skus"], {200: Page[SkuView]}, query={"limit": limit, "cursor": cursor})
        return answer

    def all_skus(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[SkuView]:
        """As `list_skus`, page after page."""
        return self._pages("GET", ["v1", "skus"], SkuView, query={"limit": limit, "cursor": cursor})

    def list_suspense(self, *, prefix: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[SuspenseKeyView]:
        """Lists tenant keys with usage that no rule gives to anybody. `GET /v1/suspense`. With a key of
        `operator:read`.
        """
        answer: Page[SuspenseKeyView] = self._ask("GET", ["v1", "suspense"], {200: Page[SuspenseKeyView]}, query={"prefix": prefix, "limit": limit, "cursor": cursor})
        return answer

    def all_suspense(self, *, prefix: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[SuspenseKeyView]:
        """As `list_suspense`, page after page."""
        return self._pages("GET", ["v1", "suspense"], SuspenseKeyView, query={"prefix": prefix, "limit": limit, "cursor": cursor})

    def map_suspense(self, body: Mapping) -> MovedView:
        """Gives keys in suspense to a tenant: writes a rule for each, and moves what was counted under them. Doing it
        again moves nothing more. `POST /v1/suspense/map`. With a key of `operator:write`.
        """
        answer: MovedView = self._ask("POST", ["v1", "suspense", "map"], {200: MovedView}, body=body, content_type="application/json")
        return answer

    def reattribute_suspense(self, body: Reattribution) -> MovedView:
        """Moves what was counted under a key to whom the rules name for each hour, out of suspense and between
        tenants. Doing it again moves nothing more. `POST /v1/suspense/reattribute`. With a key of `operator:write`.
        """
        answer: MovedView = self._ask("POST", ["v1", "suspense", "reattribute"], {200: MovedView}, body=body, content_type="application/json")
        return answer

    def list_tenants(self, *, account: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[TenantView]:
        """Lists tenants by name. `GET /v1/tenants`. With a key of `operator:read`."""
        answer: Page[TenantView] = self._ask("GET", ["v1", "tenants"], {200: Page[TenantView]}, query={"account": account, "limit": limit, "cursor": cursor})
        return answer

    def all_tenants(self, *, account: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[TenantView]:
        """As `list_tenants`, page after page."""
        return self._pages("GET", ["v1", "tenants"], TenantView, query={"account": account, "limit": limit, "cursor": cursor})

    def create_tenant(self, body: NewTenant) -> TenantView:
        """Adds a tenant. `POST /v1/tenants`. With a key of `operator:write`."""
        answer: TenantView = self._ask("POST", ["v1", "tenants"], {201: TenantView}, body=body, content_type="application/json")
        return answer

    def get_tenant(self, tenant: str) -> TenantView:
        """Shows a tenant, by id or name. `GET /v1/tenants/{tenant}`. With a key of `tenant:read` or `operator:read`."""
        answer: TenantView = self._ask("GET", ["v1", "tenants", tenant], {200: TenantView})
        return answer

    def list_tenant_agreements(self, tenant: str) -> Page[AgreementView]:
        """Lists what a tenant's account agreed to beside its price books and has not ended, by start: reservations,
        discounts, fees and minimum spends. Discounts of other tenants' projects are left out. `GET
        /v1/tenants/{tenant}/agreements`. With a key of `tenant:read` or `operator:read`.
        """
        answer: Page[AgreementView] = self._ask("GET", ["v1", "tenants", tenant, "agreements"], {200: Page[AgreementView]})
        return answer

    def list_tenant_alerts(self, tenant: str, *, state: str | None = None, kind: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[AlertView]:
        """Lists what a tenant and its account were told, the latest first. `GET /v1/tenants/{tenant}/alerts`. With a
        key of `tenant:read` or `operator:read`.
        """
        answer: Page[AlertView] = self._ask("GET", ["v1", "tenants", tenant, "alerts"], {200: Page[AlertView]}, query={"state": state, "kind": kind, "limit": limit, "cursor": cursor})
        return answer

    def all_tenant_alerts(self, tenant: str, *, state: str | None = None, kind: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[AlertView]:
        """As `list_tenant_alerts`, page after page."""
        return self._pages("GET", ["v1", "tenants", tenant, "alerts"], AlertView, query={"state": state, "kind": kind, "limit": limit, "cursor": cursor})

    def acknowledge_tenant_alert(self, tenant: str, alert: str) -> AlertView:
        """The same of an alert of a tenant's own. What is told to an account as a whole, operators acknowledge. `POST
        /v1/tenants/{tenant}/alerts/{alert}/acknowledge`. With a key of `tenant:billing` or `operator:write`.
        """
        answer: AlertView = self._ask("POST", ["v1", "tenants", tenant, "alerts", alert, "acknowledge"], {200: AlertView})
        return answer

    def list_tenant_allocations(self, tenant: str, *, label: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[AllocationView]:
        """Lists a tenant's allocations. `GET /v1/tenants/{tenant}/allocations`. With a key of `tenant:read` or
        `operator:read`.
        """
        answer: Page[AllocationView] = self._ask("GET", ["v1", "tenants", tenant, "allocations"], {200: Page[AllocationView]}, query={"label": label, "limit": limit, "cursor": cursor})
        return answer

    def all_tenant_allocations(self, tenant: str, *, label: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[AllocationView]:
        """As `list_tenant_allocations`, page after page."""
        return self._pages("GET", ["v1", "tenants", tenant, "allocations"], AllocationView, query={"label": label, "limit": limit, "cursor": cursor})

    def list_tenant_api_keys(self, tenant: str, *, limit: int | None = None, cursor: str | None = None) -> Page[ApiKeyView]:
        """Lists a tenant's keys in the order they were made, without the keys themselves. `GET
        /v1/tenants/{tenant}/api-keys`. With a key of `tenant:admin` or `operator:read`.
        """
        answer: Page[ApiKeyView] = self._ask("GET", ["v1", "tenants", tenant, "api-keys"], {200: Page[ApiKeyView]}, query={"limit": limit, "cursor": cursor})
        return answer

    def all_tenant_api_keys(self, tenant: str, *, limit: int | None = None, cursor: str | None = None) -> Iterator[ApiKeyView]:
        """As `list_tenant_api_keys`, page after page."""
        return self._pages("GET", ["v1", "tenants", tenant, "api-keys"], ApiKeyView, query={"limit": limit, "cursor": cursor})

    def create_tenant_api_key(self, tenant: str, body: NewTenantApiKey) -> MintedView:
        """Makes a key of a tenant and shows it, once. A tenant has at most 100. Takes no idempotency key: the key is
        not kept. `POST /v1/tenants/{tenant}/api-keys`. With a key of `tenant:admin` or `operator:write`.
        """
        answer: MintedView = self._ask("POST", ["v1", "tenants", tenant, "api-keys"], {201: MintedView}, body=body, content_type="application/json")
        return answer

    def delete_tenant_api_key(self, tenant: str, key: str) -> None:
        """Revokes a key of a tenant at once, with the sessions that came from it. Revoking it again changes nothing.
        `DELETE /v1/tenants/{tenant}/api-keys/{key}`. With a key of `tenant:admin` or `operator:write`.
        """
        self._ask("DELETE", ["v1", "tenants", tenant, "api-keys", key], {204: None})

    def rotate_tenant_api_key(self, tenant: str, key: str, body: Rotation) -> MintedView:
        """Makes a key that takes the place of another of the tenant, and shows it, once; the old one ends after the
        grace time. `POST /v1/tenants/{tenant}/api-keys/{key}/rotate`. With a key of `tenant:admin` or
        `operator:write`.
        """
        answer: MintedView = self._ask("POST", ["v1", "tenants", tenant, "api-keys", key, "rotate"], {201: MintedView}, body=body, content_type="application/json")
        return answer

    def list_tenant_budget_standings(self, tenant: str) -> Page[BudgetStandingView]:
        """Lists a tenant's budgets in the order they were made, with what is used of each in the current month. `GET
        /v1/tenants/{tenant}/budget-standings`. With a key of `tenant:read` or `operator:read`.
        """
        answer: Page[BudgetStandingView] = self._ask("GET", ["v1", "tenants", tenant, "budget-standings"], {200: Page[BudgetStandingView]})
        return answer

    def list_tenant_budgets(self, tenant: str, *, limit: int | None = None, cursor: str | None = None) -> Page[BudgetView]:
        """Lists a tenant's budgets in the order they were made. `GET /v1/tenants/{tenant}/budgets`. With a key of
        `tenant:read` or `operator:read`.
        """
        answer: Page[BudgetView] = self._ask("GET", ["v1", "tenants", tenant, "budgets"], {200: Page[BudgetView]}, query={"limit": limit, "cursor": cursor})
        return answer

    def all_tenant_budgets(self, tenant: str, *, limit: int | None = None, cursor: str | None = None) -> Iterator[BudgetView]:
        """As `list_tenant_budgets`, page after page."""
        return self._pages("GET", ["v1", "tenants", tenant, "budgets"], BudgetView, query={"limit": limit, "cursor": cursor})

    def create_tenant_budget(self, tenant: str, body: NewBudget) -> BudgetView:
        """Makes a budget of a tenant. It is judged at once. A tenant has at most 100. `POST
        /v1/tenants/{tenant}/budgets`. With a key of `tenant:billing` or `operator:write`.
        """
        answer: BudgetView = self._ask("POST", ["v1", "tenants", tenant, "budgets"], {201: BudgetView}, body=body, content_type="application/json")
        return answer

    def get_tenant_budget(self, tenant: str, budget: str) -> BudgetView:
        """Shows a budget. `GET /v1/tenants/{tenant}/budgets/{budget}`. With a key of `tenant:read` or `operator:read`."""
        answer: BudgetView = self._ask("GET", ["v1", "tenants", tenant, "budgets", budget], {200: BudgetView})
        return answer

    def delete_tenant_budget(self, tenant: str, budget: str) -> None:
        """Removes a budget. What it told of stays among the alerts. `DELETE /v1/tenants/{tenant}/budgets/{budget}`.
        With a key of `tenant:billing` or `operator:write`.
        """
        self._ask("DELETE", ["v1", "tenants", tenant, "budgets", budget], {204: None})

    def update_tenant_budget(self, tenant: str, budget: str, body: BudgetChange) -> BudgetView:
        """Changes a budget. What is not given stays. Thresholds that a higher limit leaves unreached may fire again.
        `PATCH /v1/tenants/{tenant}/budgets/{budget}`. With a key of `tenant:billing` or `operator:write`.
        """
        answer: BudgetView = self._ask("PATCH", ["v1", "tenants", tenant, "budgets", budget], {200: BudgetView}, body=body, content_type="application/json")
        return answer

    def list_tenant_credits(self, tenant: str) -> Page[CreditView]:
        """Lists what a tenant's account may draw on. A credit is the account's: all its tenants see it. `GET
        /v1/tenants/{tenant}/credits`. With a key of `tenant:read` or `operator:read`.
        """
        answer: Page[CreditView] = self._ask("GET", ["v1", "tenants", tenant, "credits"], {200: Page[CreditView]})
        return answer

    def get_tenant_entitlement(self, tenant: str, *, project: str | None = None, sku: str | None = None, gpus: str | None = None) -> EntitlementView:
        """Says whether a tenant may start more, by its hard budgets and what was counted of this month until now.
        Whoever starts workloads asks it; it keeps nobody from anything by itself. `GET
        /v1/tenants/{tenant}/entitlement`. With a key of `tenant:read` or `operator:read`.
        """
        answer: EntitlementView = self._ask("GET", ["v1", "tenants", tenant, "entitlement"], {200: EntitlementView}, query={"project": project, "sku": sku, "gpus": gpus})
        return answer

    def list_tenant_evidence(self, tenant: str, *, from_: str | None = None, to: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[EvidenceView]:
        """Lists the signed reports that hold something of a tenant, by window and node: heads, signatures and the
        tenant's own sections. Of days whose reports are archived, the invoice's evidence pack has them. `GET
        /v1/tenants/{tenant}/evidence`. With a key of `tenant:read` or `operator:read`.
        """
        answer: Page[EvidenceView] = self._ask("GET", ["v1", "tenants", tenant, "evidence"], {200: Page[EvidenceView]}, query={"from": from_, "to": to, "limit": limit, "cursor": cursor})
        return answer

    def all_tenant_evidence(self, tenant: str, *, from_: str | None = None, to: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[EvidenceView]:
        """As `list_tenant_evidence`, page after page."""
        return self._pages("GET", ["v1", "tenants", tenant, "evidence"], EvidenceView, query={"from": from_, "to": to, "limit": limit, "cursor": cursor})

    def get_tenant_focus(self, tenant: str, *, period: str | None = None, format: str | None = None) -> bytes:
        """Gives a month of a tenant's account in FOCUS 1.2 (Cost and Usage): its documents by allocation and day with
        tax, commitments, credits and rounding, so that each invoice's BilledCost sums up to what is due on it, and
        what is not invoiced yet. Of other tenants of the account, what stands on its invoice, without their
        allocations. `GET /v1/tenants/{tenant}/focus`. With a key of `tenant:read` or `operator:read`.
        """
        answer: bytes = self._ask("GET", ["v1", "tenants", tenant, "focus"], {200: bytes}, query={"period": period, "format": format})
        return answer

    def list_tenant_gaps(self, tenant: str, *, from_: str | None = None, to: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[TenantGapView]:
        """Lists gaps that concern a tenant, by time, accepted ones among them. `GET /v1/tenants/{tenant}/gaps`. With a
        key of `tenant:read` or `operator:read`.
        """
        answer: Page[TenantGapView] = self._ask("GET", ["v1", "tenants", tenant, "gaps"], {200: Page[TenantGapView]}, query={"from": from_, "to": to, "limit": limit, "cursor": cursor})
        return answer

    def all_tenant_gaps(self, tenant: str, *, from_: str | None = None, to: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[TenantGapView]:
        """As `list_tenant_gaps`, page after page."""
        return self._pages("GET", ["v1", "tenants", tenant, "gaps"], TenantGapView, query={"from": from_, "to": to, "limit": limit, "cursor": cursor})

    def list_tenant_invoices(self, tenant: str, *, limit: int | None = None, cursor: str | None = None) -> Page[InvoiceView]:
        """Lists the issued invoices of a tenant's account. An invoice is the account's: it shows all its tenants. `GET
        /v1/tenants/{tenant}/invoices`. With a key of `tenant:read` or `operator:read`.
        """
        answer: Page[InvoiceView] = self._ask("GET", ["v1", "tenants", tenant, "invoices"], {200: Page[InvoiceView]}, query={"limit": limit, "cursor": cursor})
        return answer

    def all_tenant_invoices(self, tenant: str, *, limit: int | None = None, cursor: str | None = None) -> Iterator[InvoiceView]:
        """As `list_tenant_invoices`, page after page."""
        return self._pages("GET", ["v1", "tenants", tenant, "invoices"], InvoiceView, query={"limit": limit, "cursor": cursor})

    def get_tenant_invoice(self, tenant: str, invoice: str) -> Any:
        """Gives an issued invoice of a tenant's account as JSON. `GET /v1/tenants/{tenant}/invoices/{invoice}`. With a
        key of `tenant:read` or `operator:read`.
        """
        answer: Any = self._ask("GET", ["v1", "tenants", tenant, "invoices", invoice], {200: Any})
        return answer

    def get_tenant_invoice_electronic(self, tenant: str, invoice: str, syntax: str) -> str:
        """Gives an issued invoice of a tenant's account as an electronic one of EN 16931, in `ubl` or `cii`. `GET
        /v1/tenants/{tenant}/invoices/{invoice}/electronic/{syntax}`. With a key of `tenant:read` or
        `operator:read`.
        """
        answer: str = self._ask("GET", ["v1", "tenants", tenant, "invoices", invoice, "electronic", syntax], {200: str})
        return answer

    def get_tenant_invoice_pack(self, tenant: str, invoice: str) -> bytes:
        """Gives the evidence pack of an issued invoice of a tenant's account. `GET
        /v1/tenants/{tenant}/invoices/{invoice}/pack`. With a key of `tenant:read` or `operator:read`.
        """
        answer: bytes = self._ask("GET", ["v1", "tenants", tenant, "invoices", invoice, "pack"], {200: bytes})
        return answer

    def get_tenant_invoice_page(self, tenant: str, invoice: str) -> str:
        """Gives an issued invoice of a tenant's account as a page. `GET /v1/tenants/{tenant}/invoices/{invoice}/page`.
        With a key of `tenant:read` or `operator:read`.
        """
        answer: str = self._ask("GET", ["v1", "tenants", tenant, "invoices", invoice, "page"], {200: str})
        return answer

    def get_tenant_invoice_pdf(self, tenant: str, invoice: str) -> bytes:
        """Gives an issued invoice of a tenant's account as a PDF/A-3b, with the electronic invoice in it where there
        is one. `GET /v1/tenants/{tenant}/invoices/{invoice}/pdf`. With a key of `tenant:read` or `operator:read`.
        """
        answer: bytes = self._ask("GET", ["v1", "tenants", tenant, "invoices", invoice, "pdf"], {200: bytes})
        return answer

    def create_tenant_invoice_question(self, tenant: str, invoice: str, body: NewQuestion) -> QuestionView:
        """Questions a line of an issued invoice. An operator answers it, with a credit note or a reasoned no; both are
        told of by `question.asked` and `question.answered`. At most 100 wait for an answer at a time. `POST
        /v1/tenants/{tenant}/invoices/{invoice}/questions`. With a key of `tenant:billing` or `operator:write`.
        """
        answer: QuestionView = self._ask("POST", ["v1", "tenants", tenant, "invoices", invoice, "questions"], {201: QuestionView}, body=body, content_type="application/json")
        return answer

    def list_tenant_prices(self, tenant: str, *, limit: int | None = None, cursor: str | None = None) -> Page[TenantPriceView]:
        """Lists the prices that hold for a tenant now and, as far as they are known, later, by SKU and start. `GET
        /v1/tenants/{tenant}/prices`. With a key of `tenant:read` or `operator:read`.
        """
        answer: Page[TenantPriceView] = self._ask("GET", ["v1", "tenants", tenant, "prices"], {200: Page[TenantPriceView]}, query={"limit": limit, "cursor": cursor})
        return answer

    def all_tenant_prices(self, tenant: str, *, limit: int | None = None, cursor: str | None = None) -> Iterator[TenantPriceView]:
        """As `list_tenant_prices`, page after page."""
        return self._pages("GET", ["v1", "tenants", tenant, "prices"], TenantPriceView, query={"limit": limit, "cursor": cursor})

    def list_tenant_projects(self, tenant: str, *, limit: int | None = None, cursor: str | None = None) -> Page[ProjectView]:
        """Lists a tenant's registered projects by name. `GET /v1/tenants/{tenant}/projects`. With a key of
        `tenant:read` or `operator:read`.
        """
        answer: Page[ProjectView] = self._ask("GET", ["v1", "tenants", tenant, "projects"], {200: Page[ProjectView]}, query={"limit": limit, "cursor": cursor})
        return answer

    def all_tenant_projects(self, tenant: str, *, limit: int | None = None, cursor: str | None = None) -> Iterator[ProjectView]:
        """As `list_tenant_projects`, page after page."""
        return self._pages("GET", ["v1", "tenants", tenant, "projects"], ProjectView, query={"limit": limit, "cursor": cursor})

    def create_tenant_project(self, tenant: str, body: NewProject) -> ProjectView:
        """Registers a project of a tenant. `POST /v1/tenants/{tenant}/projects`. With a key of `operator:write`."""
        answer: ProjectView = self._ask("POST", ["v1", "tenants", tenant, "projects"], {201: ProjectView}, body=body, content_type="application/json")
        return answer

    def list_tenant_questions(self, tenant: str, *, limit: int | None = None, cursor: str | None = None) -> Page[QuestionView]:
        """Lists what a tenant questioned, the latest first. `GET /v1/tenants/{tenant}/questions`. With a key of
        `tenant:read` or `operator:read`.
        """
        answer: Page[QuestionView] = self._ask("GET", ["v1", "tenants", tenant, "questions"], {200: Page[QuestionView]}, query={"limit": limit, "cursor": cursor})
        return answer

    def all_tenant_questions(self, tenant: str, *, limit: int | None = None, cursor: str | None = None) -> Iterator[QuestionView]:
        """As `list_tenant_questions`, page after page."""
        return self._pages("GET", ["v1", "tenants", tenant, "questions"], QuestionView, query={"limit": limit, "cursor": cursor})

    def get_tenant_spend(self, tenant: str, *, month: str | None = None) -> SpendView:
        """Shows what a tenant's month costs so far. `GET /v1/tenants/{tenant}/spend`. With a key of `tenant:read` or
        `operator:read`.
        """
        answer: SpendView = self._ask("GET", ["v1", "tenants", tenant, "spend"], {200: SpendView}, query={"month": month})
        return answer

    def get_tenant_spend_summary(self, tenant: str, *, month: str | None = None) -> SpendSummaryView:
        """Shows what a tenant's month comes to so far, by SKU and by project, without its charges. `GET
        /v1/tenants/{tenant}/spend/summary`. With a key of `tenant:read` or `operator:read`.
        """
        answer: SpendSummaryView = self._ask("GET", ["v1", "tenants", tenant, "spend", "summary"], {200: SpendSummaryView}, query={"month": month})
        return answer

    def list_tenant_usage(self, tenant: str, *, from_: str | None = None, to: str | None = None, interval: str | None = None, by: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[UsageView]:
        """Shows what a tenant used, by time and SKU. `GET /v1/tenants/{tenant}/usage`. With a key of `tenant:read` or
        `operator:read`.
        """
        answer: Page[UsageView] = self._ask("GET", ["v1", "tenants", tenant, "usage"], {200: Page[UsageView]}, query={"from": from_, "to": to, "interval": interval, "by": by, "limit": limit, "cursor": cursor})
        return answer

    def all_tenant_usage(self, tenant: str, *, from_: str | None = None, to: str | None = None, interval: str | None = None, by: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[UsageView]:
        """As `list_tenant_usage`, page after page."""
        return self._pages("GET", ["v1", "tenants", tenant, "usage"], UsageView, query={"from": from_, "to": to, "interval": interval, "by": by, "limit": limit, "cursor": cursor})

    def list_tenant_webhook_endpoints(self, tenant: str, *, limit: int | None = None, cursor: str | None = None) -> Page[WebhookEndpointView]:
        """Lists a tenant's endpoints in the order they were made. `GET /v1/tenants/{tenant}/webhook-endpoints`. With a
        key of `tenant:admin` or `operator:read`.
        """
        answer: Page[WebhookEndpointView] = self._ask("GET", ["v1", "tenants", tenant, "webhook-endpoints"], {200: Page[WebhookEndpointView]}, query={"limit": limit, "cursor": cursor})
        return answer

    def all_tenant_webhook_endpoints(self, tenant: str, *, limit: int | None = None, cursor: str | None = None) -> Iterator[WebhookEndpointView]:
        """As `list_tenant_webhook_endpoints`, page after page."""
        return self._pages("GET", ["v1", "tenants", tenant, "webhook-endpoints"], WebhookEndpointView, query={"limit": limit, "cursor": cursor})

    def create_tenant_webhook_endpoint(self, tenant: str, body: NewTenantWebhookEndpoint) -> WebhookSecretView:
        """Makes an endpoint of a tenant and shows its secret, once. A tenant has at most 20. It is told what happens
        from then on. Takes no idempotency key. `POST /v1/tenants/{tenant}/webhook-endpoints`. With a key of
        `tenant:admin` or `operator:write`.
        """
        answer: WebhookSecretView = self._ask("POST", ["v1", "tenants", tenant, "webhook-endpoints"], {201: WebhookSecretView}, body=body, content_type="application/json")
        return answer

    def get_tenant_webhook_endpoint(self, tenant: str, endpoint: str) -> WebhookEndpointView:
        """Shows an endpoint of a tenant. `GET /v1/tenants/{tenant}/webhook-endpoints/{endpoint}`. With a key of
        `tenant:admin` or `operator:read`.
        """
        answer: WebhookEndpointView = self._ask("GET", ["v1", "tenants", tenant, "webhook-endpoints", endpoint], {200: WebhookEndpointView})
        return answer

    def delete_tenant_webhook_endpoint(self, tenant: str, endpoint: str) -> None:
        """Removes an endpoint of a tenant. What it was still owed is given up. `DELETE
        /v1/tenants/{tenant}/webhook-endpoints/{endpoint}`. With a key of `tenant:admin` or `operator:write`.
        """
        self._ask("DELETE", ["v1", "tenants", tenant, "webhook-endpoints", endpoint], {204: None})

    def update_tenant_webhook_endpoint(self, tenant: str, endpoint: str, body: WebhookEndpointChange) -> WebhookEndpointView:
        """Changes an endpoint of a tenant. What is not given stays. `PATCH
        /v1/tenants/{tenant}/webhook-endpoints/{endpoint}`. With a key of `tenant:admin` or `operator:write`.
        """
        answer: WebhookEndpointView = self._ask("PATCH", ["v1", "tenants", tenant, "webhook-endpoints", endpoint], {200: WebhookEndpointView}, body=body, content_type="application/json")
        return answer

    def list_tenant_webhook_endpoint_deliveries(self, tenant: str, endpoint: str, *, state: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[WebhookDeliveryView]:
        """Lists what an endpoint of a tenant was told, is owed, or was given up, each with its tries; the latest event
        first. It is kept for 90 days. `GET /v1/tenants/{tenant}/webhook-endpoints/{endpoint}/deliveries`. With a
        key of `tenant:admin` or `operator:read`.
        """
        answer: Page[WebhookDeliveryView] = self._ask("GET", ["v1", "tenants", tenant, "webhook-endpoints", endpoint, "deliveries"], {200: Page[WebhookDeliveryView]}, query={"state": state, "limit": limit, "cursor": cursor})
        return answer

    def all_tenant_webhook_endpoint_deliveries(self, tenant: str, endpoint: str, *, state: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[WebhookDeliveryView]:
        """As `list_tenant_webhook_endpoint_deliveries`, page after page."""
        return self._pages("GET", ["v1", "tenants", tenant, "webhook-endpoints", endpoint, "deliveries"], WebhookDeliveryView, query={"state": state, "limit": limit, "cursor": cursor})

    def resend_tenant_webhook_endpoint_delivery(self, tenant: str, endpoint: str, event: str) -> SentView:
        """Sends one message once more to an endpoint of a tenant, with the same id; its tries start anew. `POST
        /v1/tenants/{tenant}/webhook-endpoints/{endpoint}/deliveries/{event}/resend`. With a key of `tenant:admin`
        or `operator:write`.
        """
        answer: SentView = self._ask("POST", ["v1", "tenants", tenant, "webhook-endpoints", endpoint, "deliveries", event, "resend"], {200: SentView})
        return answer

    def resend_tenant_webhook_endpoint(self, tenant: str, endpoint: str, body: ResendSince) -> ResentView:
        """Sends everything once more that an endpoint of a tenant was given up of what happened since an instant.
        `POST /v1/tenants/{tenant}/webhook-endpoints/{endpoint}/resend`. With a key of `tenant:admin` or
        `operator:write`.
        """
        answer: ResentView = self._ask("POST", ["v1", "tenants", tenant, "webhook-endpoints", endpoint, "resend"], {200: ResentView}, body=body, content_type="application/json")
        return answer

    def rotate_secret_tenant_webhook_endpoint(self, tenant: str, endpoint: str) -> WebhookSecretView:
        """Makes a new secret and shows it, once. For 24 hours messages carry two signatures, of the new one and of the
        one before. `POST /v1/tenants/{tenant}/webhook-endpoints/{endpoint}/rotate-secret`. With a key of
        `tenant:admin` or `operator:write`.
        """
        answer: WebhookSecretView = self._ask("POST", ["v1", "tenants", tenant, "webhook-endpoints", endpoint, "rotate-secret"], {200: WebhookSecretView})
        return answer

    def test_tenant_webhook_endpoint(self, tenant: str, endpoint: str) -> SentView:
        """Sends a message of the topic `webhook_endpoint.test` to an endpoint of a tenant, whatever its topics are.
        `POST /v1/tenants/{tenant}/webhook-endpoints/{endpoint}/test`. With a key of `tenant:admin` or
        `operator:write`.
        """
        answer: SentView = self._ask("POST", ["v1", "tenants", tenant, "webhook-endpoints", endpoint, "test"], {201: SentView})
        return answer

    def list_users(self, *, limit: int | None = None, cursor: str | None = None) -> Page[UserView]:
        """Lists the people in the order in which they became known. `GET /v1/users`. With a key of `operator:write`."""
        answer: Page[UserView] = self._ask("GET", ["v1", "users"], {200: Page[UserView]}, query={"limit": limit, "cursor": cursor})
        return answer

    def all_users(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[UserView]:
        """As `list_users`, page after page."""
        return self._pages("GET", ["v1", "users"], UserView, query={"limit": limit, "cursor": cursor})

    def create_user(self, body: NewUser) -> UserView:
        """Invites a person, so that they can be given roles before they first sign in: then the identity provider has
        to vouch for the address. Sends nothing. Takes no idempotency key: its answer would keep personal data.
        `POST /v1/users`. With a key of `operator:write`.
        """
        answer: UserView = self._ask("POST", ["v1", "users"], {201: UserView}, body=body, content_type="application/json")
        return answer

    def get_user(self, user: str) -> UserView:
        """Shows a person. `GET /v1/users/{user}`. With a key of `operator:write`."""
        answer: UserView = self._ask("GET", ["v1", "users", user], {200: UserView})
        return answer

    def delete_user(self, user: str) -> None:
        """Erases a person: name, address and what the identity provider calls them. Their roles and sessions end; what
        they did stays, under an id that says nothing. Somebody who comes again is somebody else. `DELETE
        /v1/users/{user}`. With a key of `operator:write`.
        """
        self._ask("DELETE", ["v1", "users", user], {204: None})

    def list_webhook_endpoints(self, *, account: str | None = None, tenant: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[WebhookEndpointView]:
        """Lists endpoints in the order they were made. `GET /v1/webhook-endpoints`. With a key of `operator:read`."""
        answer: Page[WebhookEndpointView] = self._ask("GET", ["v1", "webhook-endpoints"], {200: Page[WebhookEndpointView]}, query={"account": account, "tenant": tenant, "limit": limit, "cursor": cursor})
        return answer

    def all_webhook_endpoints(self, *, account: str | None = None, tenant: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[WebhookEndpointView]:
        """As `list_webhook_endpoints`, page after page."""
        return self._pages("GET", ["v1", "webhook-endpoints"], WebhookEndpointView, query={"account": account, "tenant": tenant, "limit": limit, "cursor": cursor})

    def create_webhook_endpoint(self, body: NewWebhookEndpoint) -> WebhookSecretView:
        """Makes an endpoint and shows its secret, once. It is told what happens from then on. Takes no idempotency
        key: an answer that can be asked for again would have to keep the secret. `POST /v1/webhook-endpoints`. With
        a key of `operator:write`.
        """
        answer: WebhookSecretView = self._ask("POST", ["v1", "webhook-endpoints"], {201: WebhookSecretView}, body=body, content_type="application/json")
        return answer

    def get_webhook_endpoint(self, endpoint: str) -> WebhookEndpointView:
        """Shows an endpoint. `GET /v1/webhook-endpoints/{endpoint}`. With a key of `operator:read`."""
        answer: WebhookEndpointView = self._ask("GET", ["v1", "webhook-endpoints", endpoint], {200: WebhookEndpointView})
        return answer

    def delete_webhook_endpoint(self, endpoint: str) -> None:
        """Removes an endpoint. What it was still owed is given up. `DELETE /v1/webhook-endpoints/{endpoint}`. With a
        key of `operator:write`.
        """
        self._ask("DELETE", ["v1", "webhook-endpoints", endpoint], {204: None})

    def update_webhook_endpoint(self, endpoint: str, body: WebhookEndpointChange) -> WebhookEndpointView:
        """Changes an endpoint. What is not given stays. `PATCH /v1/webhook-endpoints/{endpoint}`. With a key of
        `operator:write`.
        """
        answer: WebhookEndpointView = self._ask("PATCH", ["v1", "webhook-endpoints", endpoint], {200: WebhookEndpointView}, body=body, content_type="application/json")
        return answer

    def list_webhook_endpoint_deliveries(self, endpoint: str, *, state: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page[WebhookDeliveryView]:
        """Lists what an endpoint was told, is owed, or was given up, each with its tries; the latest event first. It
        is kept for 90 days. `GET /v1/webhook-endpoints/{endpoint}/deliveries`. With a key of `operator:read`.
        """
        answer: Page[WebhookDeliveryView] = self._ask("GET", ["v1", "webhook-endpoints", endpoint, "deliveries"], {200: Page[WebhookDeliveryView]}, query={"state": state, "limit": limit, "cursor": cursor})
        return answer

    def all_webhook_endpoint_deliveries(self, endpoint: str, *, state: str | None = None, limit: int | None = None, cursor: str | None = None) -> Iterator[WebhookDeliveryView]:
        """As `list_webhook_endpoint_deliveries`, page after page."""
        return self._pages("GET", ["v1", "webhook-endpoints", endpoint, "deliveries"], WebhookDeliveryView, query={"state": state, "limit": limit, "cursor": cursor})

    def resend_webhook_endpoint_delivery(self, endpoint: str, event: str) -> SentView:
        """Sends one message once more, with the same id, whatever became of it; its tries start anew. `POST
        /v1/webhook-endpoints/{endpoint}/deliveries/{event}/resend`. With a key of `operator:write`.
        """
        answer: SentView = self._ask("POST", ["v1", "webhook-endpoints", endpoint, "deliveries", event, "resend"], {200: SentView})
        return answer

    def resend_webhook_endpoint(self, endpoint: str, body: ResendSince) -> ResentView:
        """Sends everything once more that was given up of what happened since an instant: after a receiver was down
        for long. `POST /v1/webhook-endpoints/{endpoint}/resend`. With a key of `operator:write`.
        """
        answer: ResentView = self._ask("POST", ["v1", "webhook-endpoints", endpoint, "resend"], {200: ResentView}, body=body, content_type="application/json")
        return answer

    def rotate_secret_webhook_endpoint(self, endpoint: str) -> WebhookSecretView:
        """Makes a new secret and shows it, once. For 24 hours messages carry two signatures, of the new one and of the
        one before. `POST /v1/webhook-endpoints/{endpoint}/rotate-secret`. With a key of `operator:write`.
        """
        answer: WebhookSecretView = self._ask("POST", ["v1", "webhook-endpoints", endpoint, "rotate-secret"], {200: WebhookSecretView})
        return answer

    def test_webhook_endpoint(self, endpoint: str) -> SentView:
        """Sends a message of the topic `webhook_endpoint.test`, whatever the endpoint's topics are. `POST
        /v1/webhook-endpoints/{endpoint}/test`. With a key of `operator:write`.
        """
        answer: SentView = self._ask("POST", ["v1", "webhook-endpoints", endpoint, "test"], {201: SentView})
        return answer
