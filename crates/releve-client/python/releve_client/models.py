"""What is sent and answered? Made from docs/openapi.json by tests/clients/generate: change it there."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Union


@dataclass(kw_only=True)
class AcceptanceView:
    accepted_by: str
    from_: str = field(metadata={"name": "from"})
    node: str
    reason: str
    to: str


@dataclass(kw_only=True)
class AccountAmendment:
    """Absent fields stay as they are."""

    address: str | None = None
    back_billing_months: int | None = None
    """How many months after a period's end more may be billed for it, 1 to 120; if 0: however late. What is given back
    never comes too late.
    """
    buyer_reference: str | None = None
    """What the customer wants to read on its invoices."""
    buyer_reference_required: bool | None = None
    """The customer takes no invoice without it: one is parked until it is known."""
    city: str | None = None
    correction_min: str | None = None
    """A correction that comes to less than this, without VAT, up or down, is carried until it comes to more; if empty:
    each is sent. In the account's currency.
    """
    country: str | None = None
    customer_kind: str | None = None
    """`business` or `consumer`; a customer with a VAT id is a business."""
    email: str | None = None
    invoice_ceiling: str | None = None
    """A document of more than this, without VAT, is parked until a person has raised it; if empty: none is. In the
    account's currency.
    """
    language: str | None = None
    """Of the documents that are issued from now on: `en` or `fr`."""
    legal_id: str | None = None
    """The number in the register of companies: in France, the SIREN."""
    postcode: str | None = None
    purchase_order_required: bool | None = None
    """The customer takes no invoice without a purchase order that it fits: one is parked until there is one."""
    vat_id: str | None = None


@dataclass(kw_only=True)
class AccountView:
    address: str
    """Street and house, in lines."""
    city: str
    country: str
    """ISO 3166 alpha-2."""
    email: str
    legal_id: str
    """The number in the register of companies: in France, the SIREN."""
    postcode: str
    vat_id: str
    back_billing_months: int | None = None
    buyer_reference: str
    buyer_reference_required: bool
    correction_min: str | None = None
    """In the account's currency."""
    created_at: str
    currency: str
    customer_kind: str
    """Empty: not known."""
    id: str
    invoice_ceiling: str | None = None
    """In the account's currency."""
    issuer: str
    language: str
    name: str
    purchase_order_required: bool


@dataclass(kw_only=True)
class AgreementView:
    account: str
    created_at: str
    created_by: str | None = None
    """Told to operators."""
    description: str
    devices: int | None = None
    from_: str = field(metadata={"name": "from"})
    id: str
    kind: str
    matching: str | None = None
    overage_price: str | None = None
    percent: str | None = None
    price: str | None = None
    project: str | None = None
    sku: str | None = None
    tenant: str | None = None
    until: str | None = None
    vat_class: str | None = None


@dataclass(kw_only=True)
class AlertView:
    account: str | None = None
    """Of an account as a whole; each of its tenants is told."""
    acknowledged_at: str | None = None
    """When a person said that they have looked at it."""
    acknowledged_by: str | None = None
    count: int
    """What is alike folds into one alert: how many it is."""
    first_at: str
    id: str
    kind: str
    """A tenant's: budget.reached, spend.anomaly. An account's: credits.low, commitment.under_used, purchase_order.low,
    invoice.issued, invoice.overdue. The operator's: node.silent, coverage.low, quarantine.growing,
    suspense.growing, invoice.parked.
    """
    last_at: str
    numbers: Any
    """What made it so."""
    resolved_at: str | None = None
    """Of what goes on: when it was over."""
    subject: str
    tenant: str | None = None
    """None: an account's or the operator's."""


@dataclass(kw_only=True)
class AllocationView:
    alloc: str
    """As the node's scheduler calls it."""
    first_seen: str
    id: str
    labels: dict[str, str]
    name: str | None = None
    tenant_key: str
    user: str | None = None


@dataclass(kw_only=True)
class ApiKeyView:
    created_at: str
    created_by: str
    expires_at: str | None = None
    hint: str
    """The first characters of the key."""
    id: str
    last_used_at: str | None = None
    """To the minute."""
    name: str
    replaces: str | None = None
    """The key that it took the place of when that was rotated."""
    revoked_at: str | None = None
    scopes: list[str]
    tenant: str | None = None


@dataclass(kw_only=True)
class Asked:
    month: str
    """A month of the seller's zone."""
    terms: Terms


@dataclass(kw_only=True)
class Assignment:
    amount: str | None = None
    """In the payment's currency. If absent: what is left of the payment, up to what is open."""
    invoice: str
    """By id or number."""
    reason: str


@dataclass(kw_only=True)
class AuditEntryView:
    action: str
    actor: str
    """The API key's name and id, or the program."""
    after: Any = None
    at: str
    before: Any = None
    entry: int
    seal: str | None = None
    """SHA-256 over the entry and the seal before it, in hex; none for up to a minute. Noted elsewhere, it proves later
    that nothing up to it was touched: `releve audit` recomputes the chain.
    """
    subject: str
    """The id of what was changed."""


@dataclass(kw_only=True)
class BillingRunView:
    finished_at: str | None = None
    """Once every account has an outcome."""
    id: str
    issued: int
    issuer: str
    nothing: int
    parked: int
    period_end: str
    """Not included."""
    period_start: str
    started_at: str


@dataclass(kw_only=True)
class BrandView:
    accent: str
    """Empty: as documents come."""
    logo: str | None = None
    """A PNG in base64."""


@dataclass(kw_only=True)
class BudgetChange:
    amount: str | None = None
    """Of a budget in money."""
    gpu_hours: int | None = None
    """Of a budget in GPU-hours."""
    hard: bool | None = None
    name: str | None = None
    thresholds: list[int] | None = None


@dataclass(kw_only=True)
class BudgetStandingView:
    as_of: str
    """What was counted until then is in it."""
    budget: BudgetView
    forecast: str | None = None
    """What the month comes to if it goes on like this; none in its first day."""
    forecast_percent: int | None = None
    limit: str
    unit: str
    """A currency, or GPU-hours."""
    used: str
    """Of the current month, a decimal in `unit`."""
    used_percent: int
    """Of the limit, cut off."""


@dataclass(kw_only=True)
class BudgetView:
    amount: MoneyView | None = None
    basis: str
    created_at: str
    created_by: str
    gpu_hours: int | None = None
    hard: bool
    id: str
    name: str
    project: str | None = None
    """None: all."""
    sku: str | None = None
    """None: all."""
    tenant: str
    thresholds: list[int]


@dataclass(kw_only=True)
class ChargeView:
    amount: str
    base_quantity: int
    """How many printed units the price is for."""
    billed: int
    """After the plan's rounding, in base units."""
    discount: str | None = None
    """In percent; the amount is what is left."""
    energy_mj: int
    from_: str = field(metadata={"name": "from"})
    """The part of the month in which the price holds."""
    kind: str
    """usage, reserved, unused, overage, recurring, once, goodwill or minimum."""
    metered: int
    """As measured, in base units."""
    price: str
    """Of usage the price book's price, else the agreement."""
    priced_per: str
    project: str
    sku: str
    tenant: str | None = None
    """Absent where the account owes it as a whole."""
    tier: int
    """From 0."""
    to: str
    unit: str
    unit_price: str


@dataclass(kw_only=True)
class Choice:
    choice: str
    membership: str
    """One of those that were offered."""


@dataclass(kw_only=True)
class ClosingView:
    closed_now: bool
    """False: it was closed before, and stays as it was."""
    issuer: str
    period: str


@dataclass(kw_only=True)
class ConcernedTenantView:
    gpu_hours: str
    gpu_ms: int
    """What it may have cost: the held time of the neighbouring window, stretched over the gap."""
    tenant: str


@dataclass(kw_only=True)
class ConcernedView:
    gpu_ms: int
    tenant: str


@dataclass(kw_only=True)
class CoverageView:
    covered_ms: int
    """Those of them that were reported."""
    expected_ms: int
    """Milliseconds in service."""
    missing_ms: int
    name: str
    node: str


@dataclass(kw_only=True)
class CreditDetailView:
    """A credit with its ledger."""

    account: str
    amount: MoneyView
    created_at: str
    deposit_invoice: str | None = None
    """The number of the deposit invoice that it got, where VAT is due when money is paid in advance."""
    description: str
    expires: str | None = None
    from_: str = field(metadata={"name": "from"})
    id: str
    kind: str
    """`granted` or `paid`."""
    paid_on: str | None = None
    """Of a paid one: when."""
    priority: int
    project: str | None = None
    remaining: MoneyView
    """What is left of it."""
    sku: str | None = None
    state: str
    """`open`, `drawn` (nothing is left), or `expired` (what is left pays for no later period)."""
    tenant: str | None = None
    created_by: str
    entries: list[LedgerEntryView]
    """Each takes an amount from one side to another."""
    payment: str | None = None


@dataclass(kw_only=True)
class CreditView:
    account: str
    amount: MoneyView
    created_at: str
    deposit_invoice: str | None = None
    """The number of the deposit invoice that it got, where VAT is due when money is paid in advance."""
    description: str
    expires: str | None = None
    from_: str = field(metadata={"name": "from"})
    id: str
    kind: str
    """`granted` or `paid`."""
    paid_on: str | None = None
    """Of a paid one: when."""
    priority: int
    project: str | None = None
    remaining: MoneyView
    """What is left of it."""
    sku: str | None = None
    state: str
    """`open`, `drawn` (nothing is left), or `expired` (what is left pays for no later period)."""
    tenant: str | None = None


@dataclass(kw_only=True)
class DecisionView:
    dry_run: bool
    fates: dict[str, int]
    """What became of them, by fate."""
    gpu_hours: str
    """The same, to read."""
    gpu_ms: int
    messages: int
    """How many messages it is about; of a re-drive, on this page."""
    money: list[MoneyView]
    """Of a dry run: what the messages that can be understood today come to, at list price. One per currency."""
    next: str | None = None
    """Where to go on, if there is more."""
    unpriced_gpu_ms: int
    """Of a dry run: GPU time that has no price, or nobody to pay it."""
    unweighed_messages: int
    """Of a dry run: messages that can't be understood today, and are not in `money`."""


@dataclass(kw_only=True)
class DeviceView:
    gpu: str
    stays: list[StayView]
    """In the order of time; the last is where it sits now."""


@dataclass(kw_only=True)
class End:
    until: str | None = None
    """The first hour in which it no longer holds; the next whole hour if absent. Not in a month that was invoiced."""


@dataclass(kw_only=True)
class EntitlementReason:
    budget: str
    limit: str
    name: str
    unit: str
    """A currency, or GPU-hours."""
    used: str


@dataclass(kw_only=True)
class EntitlementView:
    allowed: bool
    as_of: str
    """What was counted until then is in it."""
    reasons: list[EntitlementReason]
    """The hard budgets that are used up, or do not last an hour."""


@dataclass(kw_only=True)
class EntryView:
    outcome: str
    """`recorded`, `known` or `passed_over`."""
    payment: PaymentView | None = None
    reason: str | None = None
    """Why it was passed over."""
    reference: str


@dataclass(kw_only=True)
class EvidenceView:
    """What of a counted report is a tenant's."""

    head: str
    """JSON, as it was signed. It names the digest of each section."""
    keyid: str
    node: str
    public_key: str | None = None
    """Ed25519, in hexadecimal: what the node's signatures of this keyid verify with."""
    segments: list[str]
    """The tenant's own sections, each JSON as it was digested: SHA-256 of one of them stands in the head."""
    signature: str
    """Of the exact bytes of `head`, in base64."""
    window_start: str


@dataclass(kw_only=True)
class ExchangeRateView:
    base: str
    day: str
    id: str
    quote: str
    rate: str
    source: str


@dataclass(kw_only=True)
class ExportView:
    account: str | None = None
    dataset: str
    error: str | None = None
    """Of a failed one."""
    files_done: int
    files_total: int | None = None
    """Absent before it began."""
    finished_at: str | None = None
    format: str
    id: str
    issuer: str
    manifest: ManifestView | None = None
    """Of a done one: its files, with their rows and SHA-256, and the version that it takes the place of."""
    period_end: str
    """Not included."""
    period_start: str
    requested_at: str
    requested_by: str
    """An API key, a person, or `schedule`."""
    state: str
    """`pending`, `done` or `failed`."""


@dataclass(kw_only=True)
class FailureView:
    attempts: int
    detail: str
    failed_at: str
    next_at: str


@dataclass(kw_only=True)
class FateView:
    """What became of a report: it is safe here, and need not be sent again."""

    detail: str | None = None
    fate: str
    """`counted`, `duplicate` (counted before), `late_known` (archived and counted before) or `quarantined`."""
    field: str | None = None
    reason: str | None = None
    """Why it was understood but not believed; it waits for a person."""


@dataclass(kw_only=True)
class FileView:
    bytes: int
    left_out: list[str]
    """Whose rows are not in it since something of theirs does not tie out, and what."""
    name: str
    path: str
    """Beside the manifest."""
    rows: int
    sha256: str
    """In hexadecimal."""


@dataclass(kw_only=True)
class FlagView:
    detail: str
    flag: str
    """`sequence_gap`, `sequence_backwards`, `broken_chain`, `clock_unsynced`, `clock_step` or `device_not_ok`."""
    from_: str = field(metadata={"name": "from"})
    reports: int
    """Reports that show it: windows on end that show the same, and reports of one window, are one flag."""
    to: str


@dataclass(kw_only=True)
class ForecastView:
    amount: MoneyView
    """To the month's end, without taxes."""
    basis: str
    """How it is made, in words."""
    from_: str = field(metadata={"name": "from"})
    """The first hour that it was extrapolated from."""
    hours: int
    """Hours of the whole month."""
    hours_begun: int
    """How many hours that is."""
    to: str
    """The end of the last one: the hour that has begun."""


@dataclass(kw_only=True)
class GapView:
    concerned: list[ConcernedTenantView]
    """Who held the node in the last window before or the first after; nobody: it holds no invoice back."""
    from_: str = field(metadata={"name": "from"})
    name: str
    node: str
    to: str


@dataclass(kw_only=True)
class HoldView:
    detail: str
    gpu_ms: int | None = None
    kind: str
    """`gap`, `suspense`, `quarantine`, `unpriced`, `tax`, `rounding`, `unratable`, `below_zero`, `reference`,
    `ceiling` or `purchase_order`.
    """
    to_do: str


@dataclass(kw_only=True)
class IdentifiedView:
    choice: str
    """What the person chooses with, once, for ten minutes."""
    memberships: list[OfferedMembershipView]
    """As what they may come."""
    name: str


@dataclass(kw_only=True)
class ImportView:
    entries: list[EntryView]
    held: int
    """Of what was recorded: how much waits for a person."""
    known: int
    """Recorded before: a file may be sent again."""
    passed_over: int
    recorded: int


@dataclass(kw_only=True)
class InvoiceView:
    account: str
    corrects: list[str]
    """The numbers of the documents that this one corrects, the first first."""
    created_at: str
    credit: str | None = None
    """Of a deposit invoice, and of a credit note that takes one back: the credit that was paid in advance. Its period
    is none that is billed, but the hour in which it was made.
    """
    delivery: str | None = None
    """Of an issued one, where it is on its way to the customer: `waiting`, `handed_over`, `submitted`, `rejected`,
    `refused` or `cashed`. What is known of it is under `/v1/invoices/{invoice}/hand-over`.
    """
    digest: str | None = None
    """SHA-256 over everything that it rests on."""
    due_at: str | None = None
    held_by: list[HoldView]
    """What holds a parked one back, and what settles it."""
    id: str
    issued_at: str | None = None
    issuer: str
    number: str | None = None
    """Of an issued one."""
    payable: MoneyView | None = None
    """With VAT. None while nobody can say."""
    payment: StandingView | None = None
    """Of an issued one."""
    period_end: str
    """Not included."""
    period_start: str
    prepaid: MoneyView
    """What of that was paid in advance; of a credit note, what is an advance again."""
    purchase_order: str | None = None
    """The customer's, by number."""
    state: str
    """`draft`, `parked` or `issued`."""
    total: MoneyView
    """Without taxes. Of a parked one: what it came to when it was last tried. Below zero: a credit note."""


@dataclass(kw_only=True)
class IssuerAmendment:
    """Absent fields stay as they are."""

    address: str | None = None
    bic: str | None = None
    city: str | None = None
    country: str | None = None
    due_days: int | None = None
    dunning_days: list[int] | None = None
    """Days past due at which a customer is reminded, level by level: up to 5 rising numbers, 1 to 365. If empty:
    never.
    """
    email: str | None = None
    iban: str | None = None
    late_penalty: str | None = None
    """What is owed on late payment, in words; what the law sets, if empty."""
    legal_id: str | None = None
    """The number in the register of companies: in France, the SIREN."""
    legal_mentions: str | None = None
    """Legal form, capital, register: printed as it stands."""
    postcode: str | None = None
    vat_id: str | None = None
    vat_on_debits: bool | None = None
    """VAT is due when invoiced, not when paid."""
    vat_on_prepayment: bool | None = None
    """VAT is due when money is paid in advance: of what becomes a paid credit from now on."""
    vat_scheme: str | None = None
    """`registered`, `small_enterprise` (exempt) or `not_taxable` (a body that recharges its own cost). Until it is
    said, invoices are parked.
    """


@dataclass(kw_only=True)
class IssuerView:
    address: str
    """Street and house, in lines."""
    city: str
    country: str
    """ISO 3166 alpha-2."""
    email: str
    legal_id: str
    """The number in the register of companies: in France, the SIREN."""
    postcode: str
    vat_id: str
    bic: str
    created_at: str
    due_days: int
    dunning_days: list[int]
    iban: str
    id: str
    late_penalty: str
    legal_mentions: str
    name: str
    series: str
    vat_on_debits: bool
    vat_on_prepayment: bool
    vat_scheme: str
    """Empty: not known yet, so invoices are parked."""
    zone: str


@dataclass(kw_only=True)
class KeyRuleView:
    created_at: str
    created_by: str
    from_: str = field(metadata={"name": "from"})
    id: str
    key: str
    tenant: str | None = None


@dataclass(kw_only=True)
class KeyView:
    from_: str = field(metadata={"name": "from"})
    keyid: str
    public_key: str
    valid: bool
    """False from where it is revoked."""


@dataclass(kw_only=True)
class LagoEvent:
    """A usage event, as Lago's API has it. For the document only: unknown fields are passed over."""

    code: str
    """A billable metric that was imported."""
    external_customer_id: str | None = None
    """In its place, a customer."""
    external_subscription_id: str | None = None
    """Whose usage it is: a subscription that was imported."""
    properties: Any = None
    """The metric's property holds the quantity, in Lago's unit."""
    timestamp: int | None = None
    """Seconds since 1970 in UTC, as a number or as text; when it is received, if absent."""
    transaction_id: str
    """Unique, for ever: sent again with the same content, it is counted once."""


@dataclass(kw_only=True)
class LagoEventAnswer:
    event: LagoEventView


@dataclass(kw_only=True)
class LagoEventBody:
    event: LagoEvent


@dataclass(kw_only=True)
class LagoEventView:
    """An event that was taken, as Lago shows one. `lago_id` is made of the transaction id."""

    code: str
    created_at: str
    external_subscription_id: str | None = None
    lago_customer_id: str
    lago_id: str
    lago_subscription_id: str | None = None
    properties: Any
    timestamp: str
    transaction_id: str


@dataclass(kw_only=True)
class LagoEventsAnswer:
    events: list[LagoEventView]


@dataclass(kw_only=True)
class LagoEventsBody:
    """Up to 1,000 events."""

    events: list[LagoEvent]


@dataclass(kw_only=True)
class LedgerAccounts:
    """By what they are for: `customers`, `advances`, `bank`, `clearing`, `vat`, `revenue`, `revenue_reverse_charge`,
    `revenue_outside`, `revenue_untaxed`, `bad_debts`, `expired_advances`. What is absent is as the French chart of
    accounts has it.
    """

    pass


@dataclass(kw_only=True)
class LedgerEntryView:
    amount: MoneyView
    entered_at: str
    entered_by: str
    from_: str = field(metadata={"name": "from"})
    """`seller`, `payment`, `credit`, `invoice` or `expired`."""
    invoice: str | None = None
    movement: str
    """`opened`, `drawn`, `given_back`, `expired` or `withdrawn`."""
    reason: str | None = None
    to: str


@dataclass(kw_only=True)
class LoginMethodsView:
    identity_provider: str | None = None
    """Whose identities people may come with: the issuer's address. None: by key or by link only."""


@dataclass(kw_only=True)
class LoginView:
    browser: str
    """What the browser keeps in a cookie until it comes back: only there does the provider's answer count."""
    expires_at: str
    url: str
    """Where to send the browser."""


@dataclass(kw_only=True)
class ManifestView:
    """What a finished export says of itself, as it lies beside its files."""

    as_of: str
    """Up to when documents and payments were known."""
    files: list[FileView]
    focus_version: str | None = None
    """Of FOCUS: the specification's version."""
    replaces: ReplacedView | None = None
    version: int
    """From 1."""


@dataclass(kw_only=True)
class Mapping:
    dry_run: bool | None = None
    """Shows what it is about, and changes nothing."""
    from_: str | None = field(default=None, metadata={"name": "from"})
    """From when; from each key's first hour in suspense if absent."""
    prefix: str
    """Which keys: all in suspense that start with this. A whole key takes in itself."""
    tenant: str
    """Whose they are, by id or name."""


@dataclass(kw_only=True)
class MembershipView:
    created_at: str
    created_by: str
    id: str
    role: str
    source: str
    """`assigned`: a person gave it. `claim`: the identity provider's groups do, at each login."""
    tenant: str | None = None
    """None: the operator."""
    until: str | None = None
    user: str


@dataclass(kw_only=True)
class MintedView:
    created_at: str
    created_by: str
    expires_at: str | None = None
    hint: str
    """The first characters of the key."""
    id: str
    last_used_at: str | None = None
    """To the minute."""
    name: str
    replaces: str | None = None
    """The key that it took the place of when that was rotated."""
    revoked_at: str | None = None
    scopes: list[str]
    tenant: str | None = None
    key: str
    """The key itself. It is not kept: this is the only time it is shown."""


@dataclass(kw_only=True)
class MoneyView:
    """An amount of one currency."""

    amount: Decimal
    currency: str


@dataclass(kw_only=True)
class MovedView:
    allocation_hours: int
    """Rows of usage hours by allocation, and of other meters, that moved."""
    dry_run: bool
    gpu_hours: str
    """The same, to read."""
    gpu_ms: int
    """What moves, or moved."""
    keys: list[str]
    meter_hours: int
    money: list[MoneyView]
    """What leaves suspense comes to, at list price. One per currency."""
    unpriced_gpu_ms: int
    """GPU time that has no price, or nobody to pay it."""


@dataclass(kw_only=True)
class NewAcceptance:
    from_: str = field(metadata={"name": "from"})
    node: str
    """By id or name."""
    reason: str
    """Why it is billed around: what the next person, and the auditor, read."""
    to: str
    """Not included."""


@dataclass(kw_only=True)
class NewAccount:
    address: str | None = None
    back_billing_months: int | None = None
    """How many months after a period's end more may be billed for it, 1 to 120; if 0: however late. What is given back
    never comes too late.
    """
    buyer_reference: str | None = None
    """What the customer wants to read on its invoices."""
    buyer_reference_required: bool | None = None
    """The customer takes no invoice without it: one is parked until it is known."""
    city: str | None = None
    correction_min: str | None = None
    """A correction that comes to less than this, without VAT, up or down, is carried until it comes to more; if empty:
    each is sent. In the account's currency.
    """
    country: str | None = None
    currency: str | None = None
    """The price book's, if absent. It can't be changed."""
    customer_kind: str | None = None
    """`business` or `consumer`; a customer with a VAT id is a business."""
    email: str | None = None
    invoice_ceiling: str | None = None
    """A document of more than this, without VAT, is parked until a person has raised it; if empty: none is. In the
    account's currency.
    """
    issuer: str | None = None
    """Who sells, by id or name; the only one, or the one called `default`, if absent."""
    language: str | None = None
    """Of its documents, as ISO 639-1 codes it: `en` (if absent) or `fr`."""
    legal_id: str | None = None
    """The number in the register of companies: in France, the SIREN."""
    name: str
    postcode: str | None = None
    price_book: str | None = None
    """By what its usage is priced, from the beginning on; as above if absent."""
    purchase_order_required: bool | None = None
    """The customer takes no invoice without a purchase order that it fits: one is parked until there is one."""
    vat_id: str | None = None


@dataclass(kw_only=True)
class NewAgreement:
    description: str
    """What its line says, and why a discount or goodwill is given: up to 200 characters."""
    devices: int | None = None
    """Of a reservation."""
    from_: str | None = field(default=None, metadata={"name": "from"})
    """If absent: the next whole hour, and for what is charged once the current one. Not in a month that was invoiced."""
    kind: str
    """- discount: `percent` off the price book's prices: all of them, those of one `sku`, or what a `tenant`'s
      `project` uses. Where several hold, the narrowest is given. Nothing is off what was agreed otherwise.
    - reservation: `devices` of a GPU `sku`, each at `price` an hour whether used or not, `matching` by hour or by
      instant. What is used above it costs `overage_price` an hour, or what the price book says.
    - recurring: a fee of `price` a month; for a part of a month, its hours' part.
    - once: a fee of `price`, in the month in which `from` lies.
    - goodwill: `price` is given back, in the month in which `from` lies.
    - minimum: at least `price` a month; for a part of a month, its hours' part. Usage, reservations and recurring
      fees count towards it, after discounts.
    """
    matching: str | None = None
    """Of a reservation: `hour` (if absent) or `instant`. By hour, what one moment leaves unused another in the same
    hour takes; by instant, at each moment only as many devices as are reserved are covered.
    """
    overage_price: str | None = None
    """Of a reservation: per device and hour used above it."""
    percent: str | None = None
    """Of a discount: above 0, up to 100, with at most two decimals."""
    price: str | None = None
    """In the account's currency."""
    project: str | None = None
    sku: str | None = None
    """The GPU that is reserved, the only one that a discount is on, or a fee's name as in `fee/premium-support`."""
    tenant: str | None = None
    """Of a discount for a project, with `project`: by id or name."""
    until: str | None = None
    """Not included. If absent: until it is ended."""
    vat_class: str | None = None
    """Of a fee: `standard` (if absent) or `reduced`."""


@dataclass(kw_only=True)
class NewAnswer:
    credit_note: str | None = None
    """Of a credited one, by id or number: an issued credit note of the same account."""
    reason: str
    """Why: what the customer reads."""
    verdict: str
    """`credited`, with the credit note that gives it back, or `stands`."""


@dataclass(kw_only=True)
class NewApiKey:
    expires_at: str | None = None
    name: str
    """What it is for."""
    scopes: list[str]
    """Of: operator:read, operator:billing, operator:write, metrics:read, agent, reading:<meter>, reading:*. Or of a
    tenant: tenant:read, with it tenant:billing, with both tenant:admin.
    """
    tenant: str | None = None
    """With tenant:read, and only with it: which tenant, by id or name. It has at most 100 keys."""


@dataclass(kw_only=True)
class NewBrand:
    """What is absent or empty is as documents come."""

    accent: str | None = None
    """Of what stands out. It must be dark enough to be read on white paper: luma (Rec. 601) at most 160 of 255."""
    logo: str | None = None
    """A PNG in base64: at most 64 KiB, and 2,000 pixels a side."""


@dataclass(kw_only=True)
class NewBudget:
    amount: str | None = None
    """In the account's currency, without taxes. Either this or `gpu_hours`."""
    basis: str | None = None
    """`actual` (if absent): what was used. `forecast`: what the month comes to if it goes on like that."""
    gpu_hours: int | None = None
    hard: bool | None = None
    """A quota: nothing more may be started once it is used up."""
    name: str
    project: str | None = None
    """Usage of this project only."""
    sku: str | None = None
    """Usage of this SKU only."""
    thresholds: list[int] | None = None
    """In percent, 1 to 1000, at most 10; 80 and 100 if absent."""


@dataclass(kw_only=True)
class NewClosing:
    period: str
    """A month of the seller's zone that has ended, `YYYY-MM`."""


@dataclass(kw_only=True)
class NewCredit:
    amount: str | None = None
    """In the account's currency, above zero. Of a paid one, if absent: what is left of the payment."""
    description: str
    """What its line says: up to 200 characters."""
    expires: str | None = None
    """The first hour in which it no longer holds. If absent: never."""
    from_: str | None = field(default=None, metadata={"name": "from"})
    """If absent: the hour that is running. It pays for periods that have an hour in which it holds."""
    kind: str
    """- granted: the seller gives it. It takes off what is taxed, as a line of the invoice, before anything that was
      paid.
    - paid: money of a `payment` that is set against nothing. It takes off what is payable with VAT, and is stated
      as paid.
    """
    payment: str | None = None
    """Of a paid one, by id."""
    priority: int | None = None
    """0 to 1000, the lower the earlier it is drawn; 500 if absent. Among equals what expires first is, then the older."""
    project: str | None = None
    sku: str | None = None
    """Of a granted one: the only SKU that it pays for."""
    tenant: str | None = None
    """Of a granted one: the only project that it pays for, with `project`, by id or name."""


@dataclass(kw_only=True)
class NewExchangeRate:
    """1 `base` = `rate` `quote`, as who published it wrote it."""

    base: str
    day: str
    quote: str
    rate: str
    """Above zero, with at most 8 decimals."""
    source: str
    """Who published it."""


@dataclass(kw_only=True)
class NewExport:
    account: str | None = None
    """Only this customer's, by id or name. Not of `payments`, `journal` and `month_end`, which are the seller's."""
    dataset: str
    """`focus`, `invoices`, `invoice_lines`, `payments`, `usage_hours`, `allocation_hours`, `journal` or `month_end`."""
    format: str | None = None
    """`csv` (the default) or `parquet`."""
    issuer: str | None = None
    """Who sells, by id or name; the only one, or the one called `default`, if absent."""
    period: str
    """A month of the seller's zone, `YYYY-MM`."""


@dataclass(kw_only=True)
class NewIssuer:
    address: str | None = None
    bic: str | None = None
    city: str | None = None
    country: str | None = None
    due_days: int | None = None
    dunning_days: list[int] | None = None
    """Days past due at which a customer is reminded, level by level: up to 5 rising numbers, 1 to 365. If empty:
    never.
    """
    email: str | None = None
    iban: str | None = None
    late_penalty: str | None = None
    """What is owed on late payment, in words; what the law sets, if empty."""
    legal_id: str | None = None
    """The number in the register of companies: in France, the SIREN."""
    legal_mentions: str | None = None
    """Legal form, capital, register: printed as it stands."""
    name: str
    postcode: str | None = None
    series: str
    """What invoice numbers start with: 1 to 12 of A-Z, 0-9 and '-'. It can't be changed."""
    vat_id: str | None = None
    vat_on_debits: bool | None = None
    """VAT is due when invoiced, not when paid."""
    vat_on_prepayment: bool | None = None
    """VAT is due when money is paid in advance (in France for services: CGI art. 269, 2 c): what becomes a paid credit
    gets a deposit invoice (type 386) at once. False if absent: VAT stands on the invoices that draw on it.
    """
    vat_scheme: str | None = None
    """`registered`, `small_enterprise` (exempt) or `not_taxable` (a body that recharges its own cost). Until it is
    said, invoices are parked.
    """
    zone: str
    """IANA zone with whole-hour offsets: months begin at its local midnight. It can't be changed."""


@dataclass(kw_only=True)
class NewKey:
    from_: str | None = field(default=None, metadata={"name": "from"})
    """Judged at a window's end. From the start of the node's first state if absent, or now for a later key."""
    keyid: str
    """As the node writes it beside its signatures."""
    public_key: str
    """Ed25519: 32 bytes, as 64 hexadecimal digits or as base64."""


@dataclass(kw_only=True)
class NewKeyRule:
    from_: str | None = field(default=None, metadata={"name": "from"})
    """The current whole hour if absent. What was counted before the rule was written stays where it is until it is
    re-attributed.
    """
    key: str
    """`k8s:<cluster>/<namespace>`, `slurm:<cluster>/<account>` or `static:<name>`."""
    tenant: str | None = None
    """By id or name. Null: nobody, so usage under this key goes to suspense from then on."""


@dataclass(kw_only=True)
class NewMembership:
    role: str
    """`viewer`, `billing` or `admin`."""
    tenant: str | None = None
    """With which tenant, by id or name. If absent: with the operator."""
    until: str | None = None
    """When it ends by itself."""
    user: str
    """By id."""


@dataclass(kw_only=True)
class NewMove:
    from_: str = field(metadata={"name": "from"})
    node: str
    """Where it sits from then on, by id or name."""


@dataclass(kw_only=True)
class NewNode:
    from_: str | None = field(default=None, metadata={"name": "from"})
    """Since when it serves; the current whole hour if absent."""
    id: str | None = None
    """Made if absent. An agent that made its own id brings it."""
    key: NewKey | None = None
    """What the node signs with; more can be added later."""
    name: str
    rack: str | None = None
    region: str
    site: str | None = None
    state: str | None = None


@dataclass(kw_only=True)
class NewOrder:
    amount: str | None = None
    """Without VAT, in the account's currency. If absent: as much as there is."""
    from_: str | None = field(default=None, metadata={"name": "from"})
    """If absent: the hour that is running. It is for periods that have an hour in which it holds."""
    number: str
    """The customer's own: up to 50 characters."""
    until: str | None = None
    """Not included. If absent: until it is ended."""


@dataclass(kw_only=True)
class NewPayment:
    amount: str
    """Below zero: paid out, or taken back. At most the currency's decimals."""
    currency: str
    end_to_end_id: str | None = None
    invoice: str | None = None
    """The document that it is for, by id or number. If absent, the numbers in `end_to_end_id` and `remittance` say it,
    and what they don't say waits for a person.
    """
    issuer: str | None = None
    """Who was paid, by id or name. Needed where there are several."""
    paid_on: str
    """The value date."""
    payer: str | None = None
    reference: str
    """What the payment is known by, as the bank's reference: told again, it is not recorded again."""
    remittance: str | None = None
    """What the payer wrote."""
    returns: str | None = None
    """The payment that this one gives back, by id: a return, or a direct debit refused afterwards."""


@dataclass(kw_only=True)
class NewPortalLink:
    role: str | None = None
    """`viewer` (if absent) reads this tenant and changes nothing; `billing` also changes its budgets; `admin` also its
    keys and webhook endpoints.
    """
    tenant: str
    """Whose pages, by id or name."""
    ttl_seconds: int | None = None
    """How long it waits to be followed: 1 to 900; 300 if absent."""


@dataclass(kw_only=True)
class NewPrice:
    from_: str | None = field(default=None, metadata={"name": "from"})
    """A whole UTC hour. If absent: the current one for a SKU's first price, the next one for a change."""
    model: str | None = None
    """How the price grows with what the account uses of the SKU in its period. If absent: per_unit with a `price`,
    graduated with `tiers`.
    - per_unit: each unit costs the same.
    - graduated: each unit costs what its tier says; the first units stay in the first tier.
    - volume: all units cost what the tier says that the period's total comes to. Where a higher tier is cheaper, a
      spend falls as that tier is reached.
    - package: each package that is begun costs the same. One tier, whose `up_to` is what a package holds and whose
      `price` is for all of it. Packages are counted over the account, and anew for each price and period.
    """
    price: str | None = None
    """Per base quantity of the unit (GPU-hour, GiB-hour, GiB, million tokens, unit): a decimal as text, with at most 6
    decimals. Either this or `tiers`.
    """
    price_book: str | None = None
    """By id or name; the only one, or the one called `default`, if absent."""
    rounding: str | None = None
    """exact (if absent), second, second_min_60, started_minute or started_hour: GPU time only, and not of a package."""
    sku: str
    tiers: list[NewTier] | None = None
    """Of a graduated or a volume price: ascending, the last without an end. Of a package price: one, with an end."""
    unit: str | None = None
    """gpu_ms, gib_second, byte, token or count; the SKU's if it is known, gpu_ms for a GPU's."""
    vat_class: str | None = None
    """`standard` (if absent) or `reduced`: which of a country's VAT rates it bears."""


@dataclass(kw_only=True)
class NewPriceBook:
    currency: str
    """ISO 4217. It can't be changed."""
    name: str


@dataclass(kw_only=True)
class NewProject:
    name: str


@dataclass(kw_only=True)
class NewQuestion:
    line: int
    """As printed: the first is 1."""
    question: str
    """What is wrong with it."""


@dataclass(kw_only=True)
class NewRate:
    class_: str | None = field(default=None, metadata={"name": "class"})
    """`standard`, if absent, or `reduced`."""
    country: str
    """The seller's own, or one in whose register, or in the one-stop shop for which, the seller is registered."""
    from_: str | None = field(default=None, metadata={"name": "from"})
    """The next whole hour if absent. A past in which no rate held may be filled."""
    percent: str
    """In percent, with at most two decimals."""


@dataclass(kw_only=True)
class NewSessionView:
    expires_at: str | None = None
    id: str
    kind: str
    """`session`, or `key` where a key asks."""
    name: str
    """Of the key that it came from, or of the person."""
    scopes: list[str]
    tenant: SessionTenantView | None = None
    """The one that it reads; none of an operator's."""
    user: str | None = None
    """Of a person's: who."""
    session: str
    """The credential, a bearer token. It is not kept: this is the only time it is shown."""


@dataclass(kw_only=True)
class NewStatus:
    happened_at: str
    """When it happened, as the message says. Messages may come in any order."""
    reason: str | None = None
    """Why, of one that was rejected or refused."""
    reference: str
    """What the message is known by: told again, it changes nothing."""
    status: str
    """`submitted`, `rejected`, `refused` or `cashed`."""


@dataclass(kw_only=True)
class NewTenant:
    account: str | None = None
    """Who pays, by id or name. If absent, an account of the tenant's name is opened, and the next three fields say
    how.
    """
    currency: str | None = None
    issuer: str | None = None
    name: str
    price_book: str | None = None


@dataclass(kw_only=True)
class NewTenantApiKey:
    expires_at: str | None = None
    name: str
    """What it is for."""
    role: str | None = None
    """`viewer` (if absent), `billing` or `admin`: not above the role of who asks."""


@dataclass(kw_only=True)
class NewTenantWebhookEndpoint:
    description: str | None = None
    """What it is for."""
    topics: list[str] | None = None
    """Of: budget.reached, spend.anomaly, credits.low, commitment.under_used, purchase_order.low, invoice.issued,
    invoice.overdue, question.asked, question.answered, webhook_endpoint.disabled. If absent or empty: all. What
    concerns the account as a whole is told of while it has no other tenant: it holds what all of them used.
    """
    url: str
    """Where messages are posted: https, up to 2048 bytes, to a public address or where the operator lets tenants'
    messages go.
    """


@dataclass(kw_only=True)
class NewTerm:
    from_: str | None = field(default=None, metadata={"name": "from"})
    """The next whole hour if absent."""
    price_book: str
    """By id or name; in the account's currency."""


@dataclass(kw_only=True)
class NewTier:
    price: str
    """Per base quantity of the unit; of a package, for the whole package."""
    up_to: int | None = None
    """In base units of the unit (milliseconds for GPU time), summed over the account's period, also across a change of
    price. The last unit belongs to the tier. Absent in the last tier. Of a package: how much one holds, for GPU
    time in whole seconds.
    """


@dataclass(kw_only=True)
class NewUser:
    email: str
    """As the identity provider will say that it has verified it."""
    name: str | None = None


@dataclass(kw_only=True)
class NewWebhookEndpoint:
    account: str | None = None
    """Whose events it is told, by id or name. If absent: everybody's."""
    description: str | None = None
    """What it is for."""
    topics: list[str] | None = None
    """Of: invoice.issued, invoice.overdue, budget.reached, spend.anomaly, credits.low, commitment.under_used,
    purchase_order.low, node.silent, node.reporting, coverage.low, quarantine.growing, suspense.growing,
    invoice.parked, question.asked, question.answered, webhook_endpoint.disabled. If absent or empty: all.
    """
    url: str
    """Where messages are posted: https, up to 2048 bytes. An address that is not public, and http, only where the
    operator's settings allow its network. Or whom they are mailed to, as plain text: mailto:billing@example.com. Or
    `amqp:`, for the broker's topic exchange.
    """


@dataclass(kw_only=True)
class NodeDetailView:
    created_at: str
    id: str
    keys: list[KeyView]
    name: str
    states: list[StateView]


@dataclass(kw_only=True)
class NodeReportView:
    agent: str
    gpu_ms: int
    """GPU time that it says was held, by anybody."""
    head_sha256: str
    """SHA-256 of its signed head."""
    received_at: str
    run: str
    seq: int
    status: str
    """`counted`, `superseded` or `withdrawn`."""
    superseded_by: str | None = None
    """The head of the report that counts in its place."""
    taken_back_at: str | None = None
    """Since when it counts no more."""
    window_end: str
    window_start: str


@dataclass(kw_only=True)
class NodeView:
    created_at: str
    id: str
    name: str
    state: StateView | None = None
    """Where it stands now; none before its first state."""


@dataclass(kw_only=True)
class OfferedMembershipView:
    id: str
    role: str
    """`viewer`, `billing` or `admin`."""
    tenant: str | None = None
    """None: the operator."""
    tenant_name: str | None = None


@dataclass(kw_only=True)
class OpeningBalanceView:
    """An invoice that was not issued here: no payment is set against it, and nobody is reminded of it."""

    currency: str
    due_on: str
    issued_on: str
    number: str
    """The other system's."""
    open: str
    """What is still owed there, as of the last import."""
    total: str


@dataclass(kw_only=True)
class OrderEnd:
    until: str | None = None
    """The first hour in which it no longer holds; the next whole hour if absent."""


@dataclass(kw_only=True)
class OrderView:
    account: str
    amount: MoneyView | None = None
    created_at: str
    created_by: str
    drawn: MoneyView
    """What issued documents draw on it, credit notes taken off, without VAT."""
    from_: str = field(metadata={"name": "from"})
    id: str
    left: MoneyView | None = None
    number: str
    until: str | None = None


@dataclass(kw_only=True)
class PaymentView:
    amount: MoneyView
    """Below zero: paid out, or taken back."""
    end_to_end_id: str
    held_for: str | None = None
    """Why it, or what is left of it, waits for a person: `no_invoice`, `several_invoices`, `nothing_open`,
    `other_currency`, `surplus` or `unknown_payment`. None once nothing is left.
    """
    id: str
    issuer: str
    left: MoneyView
    """What is set against nothing, returns taken off."""
    paid_on: str
    payer: str
    recorded_at: str
    recorded_by: str
    reference: str
    remittance: str
    returns: str | None = None
    """The payment that this one gives back."""
    settles: list[SettlementView]
    source: str
    """`api` or `camt`."""


@dataclass(kw_only=True)
class PortalLinkView:
    expires_at: str
    role: str
    tenant: str
    url: str
    """Relative to this server. It is not kept: this is the only time it is shown."""


@dataclass(kw_only=True)
class PriceBookView:
    created_at: str
    currency: str
    id: str
    name: str


@dataclass(kw_only=True)
class PriceView:
    created_at: str
    created_by: str
    from_: str = field(metadata={"name": "from"})
    id: str
    model: str
    """per_unit, graduated, volume or package."""
    price_book: str
    priced_per: str
    """What the price is for: as in `GPU-hour`, or `package of 10 × million tokens`."""
    rounding: str
    sku: str
    tiers: list[TierView]
    unit: str
    vat_class: str


@dataclass(kw_only=True)
class Problem:
    """The problem document, as it is written (application/problem+json)."""

    code: str
    """Stable; made for programs."""
    detail: str
    """Made for people; its wording may change."""
    field: str | None = None
    """What to look at: a path into the body, or the name of a parameter."""
    reason: str | None = None
    """Stable; tells the refusals of one code apart."""
    status: int
    title: str
    type: str
    """Where the code's page is served, relative to the API."""


@dataclass(kw_only=True)
class ProjectView:
    created_at: str
    id: str
    name: str


@dataclass(kw_only=True)
class ProposalView:
    account: str
    amount: MoneyView
    """What it came to when it was proposed."""
    decided_at: str | None = None
    decided_by: str | None = None
    expires_at: str
    id: str
    kind: str
    """`credit`."""
    proposed_at: str
    proposed_by: str
    reason: str | None = None
    request: Any
    """The request, as it came."""
    result: str | None = None
    """What was made once it was approved, by id."""
    state: str
    """`waiting`, `approved`, `refused` or `expired`."""


@dataclass(kw_only=True)
class ProvidersAnswer:
    browser: str
    """As the browser's cookie has it."""
    code: str
    state: str
    """As the browser brought them back."""


@dataclass(kw_only=True)
class QuarantineGroupView:
    agent: str
    first_received: str
    gpu_hours: str
    """The same, to read."""
    gpu_ms: int
    kind: str
    last_received: str
    messages: int
    nodes: int
    rack: str
    reason: str


@dataclass(kw_only=True)
class QuarantineView:
    agent: str
    bytes: int
    detail: str
    field: str
    id: str
    kind: str
    """`report` or `reading`."""
    node: str | None = None
    rack: str
    reason: str
    received_at: str
    source: str
    """`amqp`, `http` or `dead_letter`."""
    status: str
    tenants: list[ConcernedView]
    """Whom it concerns, as far as that is known."""
    verdict: VerdictView | None = None
    window_end: str | None = None
    window_start: str | None = None


@dataclass(kw_only=True)
class QuestionView:
    account: str
    answer: str | None = None
    answered_at: str | None = None
    asked_at: str
    asked_by: str
    credit_note: str | None = None
    """The credit note that gave it back."""
    id: str
    invoice: str
    line: int
    question: str
    state: str
    """`open`, `credited` or `stands`."""
    tenant: str


@dataclass(kw_only=True)
class QuoteView:
    """What the month comes to either way, without taxes."""

    account: str
    charges: list[ChargeView]
    contracted: MoneyView
    """As it is."""
    month: str
    quoted: MoneyView
    """Under the terms that were asked about."""
    unpriced: list[UnpricedView]
    """Usage that would have no price: in no amount."""


@dataclass(kw_only=True)
class RateView:
    class_: str = field(metadata={"name": "class"})
    country: str
    from_: str = field(metadata={"name": "from"})
    percent: str


@dataclass(kw_only=True)
class ReadingBody:
    """A metered quantity inside one UTC hour. For the document only: what is read is decided by the wire format."""

    from_: str = field(metadata={"name": "from"})
    id: str
    """Unique for its source, for ever."""
    key: str | None = None
    """The tenant key that rules map. Either this or `tenant`."""
    labels: dict[str, str] | None = None
    meter: str
    project: str | None = None
    quantity: int
    """In base units, not negative."""
    region: str | None = None
    """Part of the SKU; `default` if absent."""
    source: str
    """Who measured."""
    tenant: str | None = None
    """Whose it is, by id or name. Either this or `key`."""
    to: str
    unit: str
    """gib_second, byte, token or count."""


@dataclass(kw_only=True)
class Reattribution:
    dry_run: bool | None = None
    """Shows what it is about, and changes nothing."""
    key: str
    """Which key's usage is moved to whom the rules name now."""


@dataclass(kw_only=True)
class Redrive:
    after: str | None = None
    """Goes on after this one: the `next` of an earlier answer."""
    dry_run: bool | None = None
    """Shows what it is about, and changes nothing."""
    filter: Which


@dataclass(kw_only=True)
class Refusal:
    reason: str
    """Why."""


@dataclass(kw_only=True)
class RefusedView:
    """A message of a batch that was refused."""

    fate: str
    """`refused`."""
    problem: Problem


@dataclass(kw_only=True)
class Rejection:
    dry_run: bool | None = None
    """Shows what it is about, and changes nothing."""
    filter: Which
    reason: str
    """Why it is not to be counted."""


@dataclass(kw_only=True)
class Release:
    invoice: str
    """By id or number."""
    reason: str


@dataclass(kw_only=True)
class ReplacedView:
    """The version that it takes the place of."""

    sha256: str
    """Of its manifest, in hexadecimal."""
    version: int


@dataclass(kw_only=True)
class ReportAmendment:
    after: str | None = None
    """Goes on after this one: the `next` of an earlier answer."""
    dry_run: bool | None = None
    """Shows what it is about, and changes nothing."""
    filter: Which
    """Which waiting messages are to count."""
    reason: str
    """Why they are believed rather than what was counted."""


@dataclass(kw_only=True)
class ReportWithdrawal:
    dry_run: bool | None = None
    """Shows what it is about, and changes nothing."""
    from_: str = field(metadata={"name": "from"})
    reason: str
    """Why the node is not believed: what the next person, and the auditor, read."""
    to: str
    """Not included."""


@dataclass(kw_only=True)
class ResendSince:
    since: str
    """What happened from then on."""


@dataclass(kw_only=True)
class ResentView:
    messages: int
    """How many messages are due again."""


@dataclass(kw_only=True)
class Revocation:
    from_: str | None = field(default=None, metadata={"name": "from"})
    """Reports of windows that end later are not believed. Now if absent."""


@dataclass(kw_only=True)
class Rotation:
    expires_at: str | None = None
    """When the new key ends. If absent: it lives as long as the old one was made for."""
    grace_seconds: int | None = None
    """How long the old key still opens: 0 to 2592000 (30 days); 86400 (a day) if absent."""


@dataclass(kw_only=True)
class RunAccountView:
    account: str
    invoice: str | None = None
    outcome: str
    """`issued`, `parked` or `nothing` (to bill)."""


@dataclass(kw_only=True)
class SentView:
    """Which event was set against the endpoint."""

    event: str
    """As its messages have it in `webhook-id`."""


@dataclass(kw_only=True)
class SessionTenantView:
    id: str
    name: str


@dataclass(kw_only=True)
class SessionView:
    expires_at: str | None = None
    id: str
    kind: str
    """`session`, or `key` where a key asks."""
    name: str
    """Of the key that it came from, or of the person."""
    scopes: list[str]
    tenant: SessionTenantView | None = None
    """The one that it reads; none of an operator's."""
    user: str | None = None
    """Of a person's: who."""


@dataclass(kw_only=True)
class SettlementView:
    account: str
    amount: MoneyView
    invoice: str
    number: str
    reason: str
    """Why a person placed it there; empty if its text named the document."""
    settled_at: str
    settled_by: str
    vat: list[ShareView]
    """What of it is of which VAT. The settlements of a paid document add up to its VAT."""


@dataclass(kw_only=True)
class ShareView:
    base: MoneyView
    ground: str
    """Why this VAT, as on the document."""
    percent: str
    tax: MoneyView


@dataclass(kw_only=True)
class SkuView:
    created_at: str
    priced_per: str
    """What a price of it is for."""
    sku: str
    unit: str
    """What its usage is counted in."""


@dataclass(kw_only=True)
class SpendPartView:
    amount: MoneyView
    energy_mj: int
    gpu_ms: int
    """Held, whatever it is charged as."""
    name: str
    """Of the SKU or of the project, which may have none."""


@dataclass(kw_only=True)
class SpendPartsView:
    """What parts of a spend come to."""

    count: int
    """How many there are in all."""
    largest: list[SpendPartView]
    """At most 100, the largest amount first."""


@dataclass(kw_only=True)
class SpendSummaryView:
    """A spend without its charges."""

    account: str
    as_of: str
    """Until when usage is in it, as far as it has arrived."""
    by_project: SpendPartsView
    by_sku: SpendPartsView
    charges: int
    """How many charges make up the total."""
    forecast: ForecastView | None = None
    """What the month comes to if it goes on like that. Absent while less than 24 hours of it have begun."""
    month: str
    of_account: MoneyView
    """What its account owes as a whole beside it. In no tenant's total."""
    period_end: str
    """Not included."""
    period_start: str
    tenant: str
    total: MoneyView
    """The sum of the charges, each rounded as on an invoice, without taxes."""
    unpriced: list[UnpricedView]
    """Usage that has no price yet: in no amount, and never for free."""


@dataclass(kw_only=True)
class SpendView:
    account: str
    as_of: str
    """Until when usage is in it, as far as it has arrived."""
    charges: list[ChargeView]
    forecast: ForecastView | None = None
    """What the month comes to if it goes on like that, as a budget of basis `forecast` is judged by. Absent while less
    than 24 hours of it have begun.
    """
    month: str
    of_account: MoneyView | None = None
    """Of a tenant's spend: what its account owes as a whole beside it, as reservations that nobody used, fees and
    minimum spends. In no tenant's total.
    """
    period_end: str
    """Not included."""
    period_start: str
    tenant: str | None = None
    """Of a tenant's spend."""
    total: MoneyView
    """The sum of the charges, each rounded as on an invoice, without taxes."""
    unpriced: list[UnpricedView]
    """Usage that has no price yet: in no amount, and never for free."""


@dataclass(kw_only=True)
class StandingView:
    """How an issued document stands with its payment, as of now. Of a credit note, amounts are below zero."""

    credited: MoneyView
    """Set against the period's credit notes; of one, against its invoices."""
    dunning_level: int | None = None
    """The last reminder that was due, from 1 on."""
    open: MoneyView
    """Still owed; of a credit note, to the customer."""
    overdue_since: str | None = None
    paid: MoneyView
    """Returns taken off."""
    state: str
    """`open`, `partly_paid`, `overdue`, `paid`, `credited` (set against the period's other documents) or
    `written_off`.
    """
    written_off: MoneyView


@dataclass(kw_only=True)
class StateChange:
    from_: str | None = field(default=None, metadata={"name": "from"})
    """The current whole hour if absent."""
    rack: str | None = None
    region: str
    """Part of the SKU."""
    site: str | None = None
    state: str | None = None
    """`in_service` (expected to report), `maintenance` (may report) or `retired` (may not)."""


@dataclass(kw_only=True)
class StateView:
    from_: str = field(metadata={"name": "from"})
    rack: str
    region: str
    site: str
    state: str


@dataclass(kw_only=True)
class StatusView:
    status: str


@dataclass(kw_only=True)
class StayView:
    from_: str | None = field(default=None, metadata={"name": "from"})
    """Since ever, if absent."""
    node: str
    to: str | None = None
    """Until further notice, if absent."""


@dataclass(kw_only=True)
class SuspenseKeyView:
    first: str
    """The first and the last hour with usage."""
    gpu_hours: str
    """The same, to read."""
    gpu_ms: int
    key: str
    last: str
    skus: int
    """How many SKUs there is usage of, other meters' among them."""


@dataclass(kw_only=True)
class TakenBackView:
    dry_run: bool
    fates: dict[str, int]
    """What became of the waiting messages, by fate."""
    gpu_hours: str
    """The same, to read."""
    gpu_ms: int
    """GPU time that tenants hold more of; below zero: less."""
    money: list[MoneyView]
    """What that comes to at list price. One amount per currency."""
    next: str | None = None
    """Where to go on, if there is more."""
    taken_back: int
    """Reports that count no more. They are kept."""
    uncovered_ms: int
    """A node's time that nobody vouches for any more: a gap."""
    unpriced_gpu_ms: int
    """GPU time of it that has no price, or nobody to pay it."""


@dataclass(kw_only=True)
class TenantGapView:
    """A stretch in which a node that the tenant held before or after was in service and said nothing."""

    accepted: bool
    """Whether it was decided to bill around it. If not, it holds the invoice back."""
    as_of: str
    """What was reported and decided until then is in it."""
    from_: str = field(metadata={"name": "from"})
    gpu_hours: str
    gpu_ms: int
    """What the tenant may have held in it: its held time of the neighbouring window, stretched over the gap."""
    node: str
    to: str


@dataclass(kw_only=True)
class TenantPriceView:
    """A price of the tenant's contract."""

    currency: str
    from_: str = field(metadata={"name": "from"})
    model: str
    """per_unit, graduated, volume or package."""
    priced_per: str
    """What the price is for: as in `GPU-hour`, or `package of 10 × million tokens`."""
    rounding: str
    sku: str
    tiers: list[TierView]
    """Filled by the usage of the whole account."""
    unit: str
    until: str | None = None
    """When another price, or another price book, takes its place; none as far as it is known."""


@dataclass(kw_only=True)
class TenantView:
    account: str
    created_at: str
    id: str
    name: str


@dataclass(kw_only=True)
class TermView:
    account: str
    created_at: str
    created_by: str
    from_: str = field(metadata={"name": "from"})
    price_book: str


@dataclass(kw_only=True)
class Terms:
    """A contract to try."""

    agreements: list[NewAgreement] | None = None
    """What would have been agreed, each from the month's start unless it says otherwise; what was if absent. An empty
    list is nothing.
    """
    price_book: str | None = None
    """The price book that would have held all month, by id or name; those that did if absent."""


@dataclass(kw_only=True)
class TierView:
    price: str
    up_to: int | None = None
    """In base units; absent in the last tier. Of a package: how much one holds."""


@dataclass(kw_only=True)
class ToldView:
    code: int
    """Its number in the life cycle of XP Z12-012."""
    happened_at: str
    reason: str
    recorded_at: str
    recorded_by: str
    reference: str
    status: str


@dataclass(kw_only=True)
class UnpricedView:
    from_: str = field(metadata={"name": "from"})
    metered: int
    """In base units."""
    note: str
    """`no price yet`."""
    project: str
    sku: str
    tenant: str
    to: str


@dataclass(kw_only=True)
class UsageView:
    allocation: str | None = None
    as_of: str
    """What was counted until then is in it."""
    energy_mj: int
    from_: str = field(metadata={"name": "from"})
    label: str | None = None
    """The label's value; empty for allocations without it."""
    project: str | None = None
    quantity: int
    """In base units: milliseconds for GPU time."""
    sku: str
    to: str
    unit: str


@dataclass(kw_only=True)
class UserView:
    created_at: str
    email: str | None = None
    erased_at: str | None = None
    id: str
    issuer: str | None = None
    """The identity provider; none of who was invited and has not come yet."""
    last_login_at: str | None = None
    name: str | None = None
    subject: str | None = None


@dataclass(kw_only=True)
class VerdictView:
    at: str
    by: str
    reason: str


@dataclass(kw_only=True)
class WayView:
    """A document's way to its customer."""

    destination: str | None = None
    """Where to."""
    failure: FailureView | None = None
    """Why it could not be handed over yet."""
    handed_over_at: str | None = None
    invoice: str
    state: str
    """`waiting`, `handed_over`, or the last that was told: `submitted`, `rejected`, `refused`, `cashed`."""
    statuses: list[ToldView]
    """By when it happened."""
    to_do: str | None = None
    """What a person has to do about it."""


@dataclass(kw_only=True)
class WebhookDeliveryView:
    done_at: str | None = None
    due_at: str | None = None
    """Of a waiting one: when it is tried next."""
    event: str
    """As its messages have it in `webhook-id`."""
    happened_at: str
    state: str
    """`waiting`, `delivered` or `given_up`."""
    topic: str
    tries: list[WebhookTryView]
    """Oldest first."""


@dataclass(kw_only=True)
class WebhookEndpointChange:
    description: str | None = None
    enabled: bool | None = None
    """False: what it is told waits. True: what waits is sent, also after it was disabled for failing."""
    topics: list[str] | None = None
    """Of: invoice.issued, invoice.overdue, budget.reached, spend.anomaly, credits.low, commitment.under_used,
    purchase_order.low, node.silent, node.reporting, coverage.low, quarantine.growing, suspense.growing,
    invoice.parked, question.asked, question.answered, webhook_endpoint.disabled. Empty: all.
    """
    url: str | None = None


@dataclass(kw_only=True)
class WebhookEndpointView:
    account: str | None = None
    created_at: str
    created_by: str
    description: str
    disabled_at: str | None = None
    disabled_for: str | None = None
    """`asked`, `gone` (it answered 410), or `failing` (for five days)."""
    enabled: bool
    failing_since: str | None = None
    """Its first failure since its last success."""
    id: str
    tenant: str | None = None
    """The tenant that made it for itself: it is told of that tenant only, and of its account's invoices while the
    account has no other tenant.
    """
    topics: list[str]
    """None: every topic."""
    url: str


@dataclass(kw_only=True)
class WebhookSecretView:
    """An endpoint with a new secret."""

    account: str | None = None
    created_at: str
    created_by: str
    description: str
    disabled_at: str | None = None
    disabled_for: str | None = None
    """`asked`, `gone` (it answered 410), or `failing` (for five days)."""
    enabled: bool
    failing_since: str | None = None
    """Its first failure since its last success."""
    id: str
    tenant: str | None = None
    """The tenant that made it for itself: it is told of that tenant only, and of its account's invoices while the
    account has no other tenant.
    """
    topics: list[str]
    """None: every topic."""
    url: str
    secret: str
    """What its messages are signed with. This is the only time it is shown."""


@dataclass(kw_only=True)
class WebhookTryView:
    answer: str
    """How the answer's body begins."""
    at: str
    failure: str | None = None
    """Why it does not count as delivered; none if it does."""
    status: int | None = None
    """The status of the answer, if there was one."""
    took_ms: int


@dataclass(kw_only=True)
class Which:
    """Which messages. What is absent means any; an empty `agent` or `rack` means those without one."""

    agent: str | None = None
    """Name and version of the program that made it."""
    id: str | None = None
    node: str | None = None
    """By id or name."""
    rack: str | None = None
    reason: str | None = None
    received_from: str | None = None
    received_to: str | None = None
    tenant: str | None = None
    """Whom it concerns, by id or name."""


@dataclass(kw_only=True)
class Withdrawal:
    reason: str


@dataclass(kw_only=True)
class WriteOffReason:
    amount: str | None = None
    """In the invoice's currency. If absent: all that there is."""
    reason: str


@dataclass(kw_only=True)
class WriteOffView:
    amount: MoneyView
    """What was given up, or taken back of that."""
    invoice: str
    reason: str


ItemView = Union[RefusedView, FateView]
"""The answer for one message of a batch: a fate, or the problem for which it was refused."""


ReadingsBody = Union[ReadingBody, list[ReadingBody]]
"""One reading, or up to 1,000. For the document only."""


FatesView = Union[FateView, list[ItemView]]
"""The fate of one reading, or of each of an array, in its order. For the document only."""
