//! What can be asked about `billing`, and what is answered? Made from docs/openapi.json.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CreditView, InvoiceView, MoneyView, SpendView};
use crate::{Client, Error, Page, Pages, Paging, request::Request};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AcceptanceView {
    pub accepted_by: String,
    pub from: String,
    pub node: String,
    pub reason: String,
    pub to: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Assignment {
    /// In the payment's currency. If absent: what is left of the payment, up to what is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// By id or number.
    pub invoice: String,
    pub reason: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BillingRunView {
    /// Once every account has an outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    pub id: String,
    pub issued: i64,
    pub issuer: String,
    pub nothing: i64,
    pub parked: i64,
    /// Not included.
    pub period_end: String,
    pub period_start: String,
    pub started_at: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ConcernedTenantView {
    pub gpu_hours: String,
    /// What it may have cost: the held time of the neighbouring window, stretched over the gap.
    pub gpu_ms: i64,
    pub tenant: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CoverageView {
    /// Those of them that were reported.
    pub covered_ms: i64,
    /// Milliseconds in service.
    pub expected_ms: i64,
    pub missing_ms: i64,
    pub name: String,
    pub node: String,
}

/// A credit with its ledger.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CreditDetailView {
    pub account: String,
    pub amount: MoneyView,
    pub created_at: String,
    /// The number of the deposit invoice that it got, where VAT is due when money is paid in advance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deposit_invoice: Option<String>,
    pub description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    pub from: String,
    pub id: String,
    /// `granted` or `paid`.
    pub kind: String,
    /// Of a paid one: when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid_on: Option<String>,
    pub priority: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// What is left of it.
    pub remaining: MoneyView,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// `open`, `drawn` (nothing is left), or `expired` (what is left pays for no later period).
    pub state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    pub created_by: String,
    /// Each takes an amount from one side to another.
    pub entries: Vec<LedgerEntryView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EntryView {
    /// `recorded`, `known` or `passed_over`.
    pub outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentView>,
    /// Why it was passed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub reference: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FailureView {
    pub attempts: i32,
    pub detail: String,
    pub failed_at: String,
    pub next_at: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GapView {
    /// Who held the node in the last window before or the first after; nobody: it holds no invoice back.
    pub concerned: Vec<ConcernedTenantView>,
    pub from: String,
    pub name: String,
    pub node: String,
    pub to: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ImportView {
    pub entries: Vec<EntryView>,
    /// Of what was recorded: how much waits for a person.
    pub held: u64,
    /// Recorded before: a file may be sent again.
    pub known: u64,
    pub passed_over: u64,
    pub recorded: u64,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LedgerEntryView {
    pub amount: MoneyView,
    pub entered_at: String,
    pub entered_by: String,
    /// `seller`, `payment`, `credit`, `invoice` or `expired`.
    pub from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice: Option<String>,
    /// `opened`, `drawn`, `given_back`, `expired` or `withdrawn`.
    pub movement: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub to: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewAcceptance {
    pub from: String,
    /// By id or name.
    pub node: String,
    /// Why it is billed around: what the next person, and the auditor, read.
    pub reason: String,
    /// Not included.
    pub to: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewAnswer {
    /// Of a credited one, by id or number: an issued credit note of the same account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit_note: Option<String>,
    /// Why: what the customer reads.
    pub reason: String,
    /// `credited`, with the credit note that gives it back, or `stands`.
    pub verdict: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewCredit {
    /// In the account's currency, above zero. Of a paid one, if absent: what is left of the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// What its line says: up to 200 characters.
    pub description: String,
    /// The first hour in which it no longer holds. If absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// If absent: the hour that is running. It pays for periods that have an hour in which it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// - granted: the seller gives it. It takes off what is taxed, as a line of the invoice, before anything that
    ///   was paid.
    /// - paid: money of a `payment` that is set against nothing. It takes off what is payable with VAT, and is
    ///   stated as paid.
    pub kind: String,
    /// Of a paid one, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<String>,
    /// 0 to 1000, the lower the earlier it is drawn; 500 if absent. Among equals what expires first is, then the
    /// older.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Of a granted one: the only SKU that it pays for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Of a granted one: the only project that it pays for, with `project`, by id or name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewPayment {
    /// Below zero: paid out, or taken back. At most the currency's decimals.
    pub amount: String,
    pub currency: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_to_end_id: Option<String>,
    /// The document that it is for, by id or number. If absent, the numbers in `end_to_end_id` and `remittance` say
    /// it, and what they don't say waits for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice: Option<String>,
    /// Who was paid, by id or name. Needed where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The value date.
    pub paid_on: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
    /// What the payment is known by, as the bank's reference: told again, it is not recorded again.
    pub reference: String,
    /// What the payer wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remittance: Option<String>,
    /// The payment that this one gives back, by id: a return, or a direct debit refused afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returns: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewQuestion {
    /// As printed: the first is 1.
    pub line: i32,
    /// What is wrong with it.
    pub question: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewStatus {
    /// When it happened, as the message says. Messages may come in any order.
    pub happened_at: String,
    /// Why, of one that was rejected or refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the message is known by: told again, it changes nothing.
    pub reference: String,
    /// `submitted`, `rejected`, `refused` or `cashed`.
    pub status: String,
}

/// An invoice that was not issued here: no payment is set against it, and nobody is reminded of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OpeningBalanceView {
    pub currency: String,
    pub due_on: String,
    pub issued_on: String,
    /// The other system's.
    pub number: String,
    /// What is still owed there, as of the last import.
    pub open: String,
    pub total: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PaymentView {
    /// Below zero: paid out, or taken back.
    pub amount: MoneyView,
    pub end_to_end_id: String,
    /// Why it, or what is left of it, waits for a person: `no_invoice`, `several_invoices`, `nothing_open`,
    /// `other_currency`, `surplus` or `unknown_payment`. None once nothing is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_for: Option<String>,
    pub id: String,
    pub issuer: String,
    /// What is set against nothing, returns taken off.
    pub left: MoneyView,
    pub paid_on: String,
    pub payer: String,
    pub recorded_at: String,
    pub recorded_by: String,
    pub reference: String,
    pub remittance: String,
    /// The payment that this one gives back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returns: Option<String>,
    pub settles: Vec<SettlementView>,
    /// `api` or `camt`.
    pub source: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProposalView {
    pub account: String,
    /// What it came to when it was proposed.
    pub amount: MoneyView,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    pub expires_at: String,
    pub id: String,
    /// `credit`.
    pub kind: String,
    pub proposed_at: String,
    pub proposed_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The request, as it came.
    pub request: Value,
    /// What was made once it was approved, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// `waiting`, `approved`, `refused` or `expired`.
    pub state: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct QuestionView {
    pub account: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<String>,
    pub asked_at: String,
    pub asked_by: String,
    /// The credit note that gave it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit_note: Option<String>,
    pub id: String,
    pub invoice: String,
    pub line: i32,
    pub question: String,
    /// `open`, `credited` or `stands`.
    pub state: String,
    pub tenant: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Refusal {
    /// Why.
    pub reason: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Release {
    /// By id or number.
    pub invoice: String,
    pub reason: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RunAccountView {
    pub account: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice: Option<String>,
    /// `issued`, `parked` or `nothing` (to bill).
    pub outcome: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SettlementView {
    pub account: String,
    pub amount: MoneyView,
    pub invoice: String,
    pub number: String,
    /// Why a person placed it there; empty if its text named the document.
    pub reason: String,
    pub settled_at: String,
    pub settled_by: String,
    /// What of it is of which VAT. The settlements of a paid document add up to its VAT.
    pub vat: Vec<ShareView>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ShareView {
    pub base: MoneyView,
    /// Why this VAT, as on the document.
    pub ground: String,
    pub percent: String,
    pub tax: MoneyView,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ToldView {
    /// Its number in the life cycle of XP Z12-012.
    pub code: u32,
    pub happened_at: String,
    pub reason: String,
    pub recorded_at: String,
    pub recorded_by: String,
    pub reference: String,
    pub status: String,
}

/// A document's way to its customer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WayView {
    /// Where to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Why it could not be handed over yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handed_over_at: Option<String>,
    pub invoice: String,
    /// `waiting`, `handed_over`, or the last that was told: `submitted`, `rejected`, `refused`, `cashed`.
    pub state: String,
    /// By when it happened.
    pub statuses: Vec<ToldView>,
    /// What a person has to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_do: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Withdrawal {
    pub reason: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct WriteOffReason {
    /// In the invoice's currency. If absent: all that there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    pub reason: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WriteOffView {
    /// What was given up, or taken back of that.
    pub amount: MoneyView,
    pub invoice: String,
    pub reason: String,
}

/// What [`Client::get_account_spend`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GetAccountSpendQuery {
    /// A month of the seller's zone, `YYYY-MM`; the current one if absent.
    pub month: Option<String>,
}

impl GetAccountSpendQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![("month", self.month.as_ref().map(ToString::to_string))]
    }
}

/// What [`Client::list_billing_runs`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListBillingRunsQuery {
    /// By id or name.
    pub issuer: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListBillingRunsQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("issuer", self.issuer.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

/// What [`Client::list_coverage`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListCoverageQuery {
    /// An instant on a whole UTC hour.
    pub from: Option<String>,
    /// An instant on a whole UTC hour.
    pub to: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListCoverageQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("from", self.from.as_ref().map(ToString::to_string)),
            ("to", self.to.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

/// What [`Client::list_gaps`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListGapsQuery {
    /// An instant on a whole UTC hour.
    pub from: Option<String>,
    /// An instant on a whole UTC hour.
    pub to: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListGapsQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("from", self.from.as_ref().map(ToString::to_string)),
            ("to", self.to.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

/// What [`Client::list_invoices`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListInvoicesQuery {
    /// By id or name.
    pub account: Option<String>,
    /// By id or name.
    pub issuer: Option<String>,
    /// `draft`, `parked` or `issued`; any if absent.
    pub state: Option<String>,
    /// An instant: RFC 3339 in UTC with `Z`, at most milliseconds.
    pub period_start: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListInvoicesQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("account", self.account.as_ref().map(ToString::to_string)),
            ("issuer", self.issuer.as_ref().map(ToString::to_string)),
            ("state", self.state.as_ref().map(ToString::to_string)),
            ("period_start", self.period_start.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

/// What [`Client::list_payments`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListPaymentsQuery {
    /// By id or name.
    pub issuer: Option<String>,
    /// Those that were set against this document, by id or number.
    pub invoice: Option<String>,
    /// `true`: only those of which something waits for a person.
    pub held: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListPaymentsQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("issuer", self.issuer.as_ref().map(ToString::to_string)),
            ("invoice", self.invoice.as_ref().map(ToString::to_string)),
            ("held", self.held.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

/// What [`Client::import_payments`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ImportPaymentsQuery {
    /// Who was paid, by id or name. Needed where there are several.
    pub issuer: Option<String>,
}

impl ImportPaymentsQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![("issuer", self.issuer.as_ref().map(ToString::to_string))]
    }
}

/// What [`Client::list_proposals`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListProposalsQuery {
    /// `true`: only those that wait for a word.
    pub waiting: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListProposalsQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("waiting", self.waiting.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

/// What [`Client::list_questions`] is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListQuestionsQuery {
    /// `open`, `answered` or `any`; `open` if absent.
    pub state: Option<String>,
    /// About this invoice only, by id or number.
    pub invoice: Option<String>,
    /// How many rows a page has: 1 to 1000.
    pub limit: Option<u64>,
    pub cursor: Option<String>,
}

impl ListQuestionsQuery {
    fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("state", self.state.as_ref().map(ToString::to_string)),
            ("invoice", self.invoice.as_ref().map(ToString::to_string)),
            ("limit", self.limit.as_ref().map(ToString::to_string)),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
        ]
    }
}

/// What [`Client::create_account_credit`] is answered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
pub enum CreateAccountCreditAnswer {
    /// 201
    Created(Box<CreditView>),
    /// 202
    Accepted(Box<ProposalView>),
}

impl Client {
    /// Lists an account's credits, the oldest first.
    ///
    /// `GET /v1/accounts/{account}/credits`. With a key of `operator:read`.
    pub async fn list_account_credits(&self, account: &str) -> Result<Page<CreditView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "accounts", account, "credits"])).await?.json()
    }

    /// Gives an account something to draw on: a grant, or money that it paid in advance. What it is does not
    /// change; what is left of it follows from its ledger. Above what the settings let one person give, it is a
    /// proposal that another one has to approve.
    ///
    /// `POST /v1/accounts/{account}/credits`. With a key of one of `operator:billing`, `operator:write`.
    pub async fn create_account_credit(
        &self,
        account: &str,
        body: &NewCredit,
    ) -> Result<CreateAccountCreditAnswer, Error> {
        let answer = self
            .send(Request::new(Method::POST, &["v1", "accounts", account, "credits"]).json("application/json", body)?)
            .await?;
        match answer.status {
            201 => Ok(CreateAccountCreditAnswer::Created(Box::new(answer.json()?))),
            202 => Ok(CreateAccountCreditAnswer::Accepted(Box::new(answer.json()?))),
            other => Err(Error::Unexpected { status: other }),
        }
    }

    /// Shows a credit with its ledger: where each amount came from and went.
    ///
    /// `GET /v1/accounts/{account}/credits/{credit}`. With a key of `operator:read`.
    pub async fn get_account_credit(&self, account: &str, credit: &str) -> Result<CreditDetailView, Error> {
        self.send(Request::new(Method::GET, &["v1", "accounts", account, "credits", credit])).await?.json()
    }

    /// Takes back what is left of a credit: of a paid one, its payment has it again. A person's act, on record.
    ///
    /// `POST /v1/accounts/{account}/credits/{credit}/withdraw`. With a key of one of `operator:billing`,
    /// `operator:write`.
    pub async fn withdraw_account_credit(
        &self,
        account: &str,
        credit: &str,
        body: &Withdrawal,
    ) -> Result<CreditView, Error> {
        self.send(
            Request::new(Method::POST, &["v1", "accounts", account, "credits", credit, "withdraw"])
                .json("application/json", body)?,
        )
        .await?
        .json()
    }

    /// Lists what an account owes on invoices of the system it came from, by when it was due.
    ///
    /// `GET /v1/accounts/{account}/opening-balances`. With a key of `operator:read`.
    pub async fn list_account_opening_balances(&self, account: &str) -> Result<Page<OpeningBalanceView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "accounts", account, "opening-balances"])).await?.json()
    }

    /// Shows what an account's month costs so far, all its tenants together.
    ///
    /// `GET /v1/accounts/{account}/spend`. With a key of `operator:read`.
    pub async fn get_account_spend(&self, account: &str, query: &GetAccountSpendQuery) -> Result<SpendView, Error> {
        self.send(Request::new(Method::GET, &["v1", "accounts", account, "spend"]).query(query.pairs())).await?.json()
    }

    /// Lists billing runs, the newest first.
    ///
    /// `GET /v1/billing-runs`. With a key of `operator:read`.
    pub async fn list_billing_runs(&self, query: &ListBillingRunsQuery) -> Result<Page<BillingRunView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "billing-runs"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_billing_runs`], page after page.
    pub fn all_billing_runs(&self, query: &ListBillingRunsQuery) -> Pages<'_, BillingRunView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "billing-runs"]).query(query.pairs()))
    }

    /// Lists what became of each account in a run; of an unknown run, nothing.
    ///
    /// `GET /v1/billing-runs/{run}/accounts`. With a key of `operator:read`.
    pub async fn list_billing_run_accounts(&self, run: &str, query: &Paging) -> Result<Page<RunAccountView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "billing-runs", run, "accounts"]).query(query.pairs()))
            .await?
            .json()
    }

    /// As [`Client::list_billing_run_accounts`], page after page.
    pub fn all_billing_run_accounts(&self, run: &str, query: &Paging) -> Pages<'_, RunAccountView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "billing-runs", run, "accounts"]).query(query.pairs()))
    }

    /// Lists nodes that were in service in a stretch, by name, with how much of that time they reported.
    ///
    /// `GET /v1/coverage`. With a key of `operator:read`.
    pub async fn list_coverage(&self, query: &ListCoverageQuery) -> Result<Page<CoverageView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "coverage"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_coverage`], page after page.
    pub fn all_coverage(&self, query: &ListCoverageQuery) -> Pages<'_, CoverageView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "coverage"]).query(query.pairs()))
    }

    /// Lists stretches in which a node was in service and said nothing, and that nobody accepted.
    ///
    /// `GET /v1/gaps`. With a key of `operator:read`.
    pub async fn list_gaps(&self, query: &ListGapsQuery) -> Result<Page<GapView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "gaps"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_gaps`], page after page.
    pub fn all_gaps(&self, query: &ListGapsQuery) -> Pages<'_, GapView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "gaps"]).query(query.pairs()))
    }

    /// Decides to bill around a missing stretch: it holds no invoice back any more. Kept for ever, and can't be
    /// undone; what comes late all the same is counted.
    ///
    /// `POST /v1/gaps/accept`. With a key of `operator:write`.
    pub async fn accept_gaps(&self, body: &NewAcceptance) -> Result<AcceptanceView, Error> {
        self.send(Request::new(Method::POST, &["v1", "gaps", "accept"]).json("application/json", body)?).await?.json()
    }

    /// Lists documents whose way needs a person: those that could not be handed over, that the platform rejected,
    /// or that the customer refused. A page may hold fewer than it could, or none, and still have a next one.
    ///
    /// `GET /v1/hand-overs`. With a key of `operator:read`.
    pub async fn list_hand_overs(&self, query: &Paging) -> Result<Page<WayView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "hand-overs"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_hand_overs`], page after page.
    pub fn all_hand_overs(&self, query: &Paging) -> Pages<'_, WayView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "hand-overs"]).query(query.pairs()))
    }

    /// Lists invoices in the order they were made.
    ///
    /// `GET /v1/invoices`. With a key of `operator:read`.
    pub async fn list_invoices(&self, query: &ListInvoicesQuery) -> Result<Page<InvoiceView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "invoices"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_invoices`], page after page.
    pub fn all_invoices(&self, query: &ListInvoicesQuery) -> Pages<'_, InvoiceView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "invoices"]).query(query.pairs()))
    }

    /// Shows an invoice's state, by id or number: what holds it back, or what of it is paid.
    ///
    /// `GET /v1/invoices/{invoice}`. With a key of `operator:read`.
    pub async fn get_invoice(&self, invoice: &str) -> Result<InvoiceView, Error> {
        self.send(Request::new(Method::GET, &["v1", "invoices", invoice])).await?.json()
    }

    /// Gives an issued invoice as JSON: the bytes that the customer got.
    ///
    /// `GET /v1/invoices/{invoice}/document`. With a key of `operator:read`.
    pub async fn get_invoice_document(&self, invoice: &str) -> Result<Value, Error> {
        self.send(Request::new(Method::GET, &["v1", "invoices", invoice, "document"])).await?.json()
    }

    /// Gives an issued invoice as an electronic one of EN 16931, in `ubl` or `cii`: the bytes that the customer
    /// got. What a seller issues that is no taxable person has none.
    ///
    /// `GET /v1/invoices/{invoice}/electronic/{syntax}`. With a key of `operator:read`.
    pub async fn get_invoice_electronic(&self, invoice: &str, syntax: &str) -> Result<String, Error> {
        self.send(Request::new(Method::GET, &["v1", "invoices", invoice, "electronic", syntax])).await?.text()
    }

    /// Shows where an issued document is on its way to its customer.
    ///
    /// `GET /v1/invoices/{invoice}/hand-over`. With a key of `operator:read`.
    pub async fn get_invoice_hand_over(&self, invoice: &str) -> Result<WayView, Error> {
        self.send(Request::new(Method::GET, &["v1", "invoices", invoice, "hand-over"])).await?.json()
    }

    /// Gives an issued invoice's evidence pack, a tar archive: the invoice, what it rests on, and of the nodes'
    /// signed reports the account's own part. `releve verify` makes the invoice again of it, offline.
    ///
    /// `GET /v1/invoices/{invoice}/pack`. With a key of `operator:read`.
    pub async fn get_invoice_pack(&self, invoice: &str) -> Result<Vec<u8>, Error> {
        self.send(Request::new(Method::GET, &["v1", "invoices", invoice, "pack"])).await?.bytes()
    }

    /// Gives an issued invoice as a page: the bytes that the customer got.
    ///
    /// `GET /v1/invoices/{invoice}/page`. With a key of `operator:read`.
    pub async fn get_invoice_page(&self, invoice: &str) -> Result<String, Error> {
        self.send(Request::new(Method::GET, &["v1", "invoices", invoice, "page"])).await?.text()
    }

    /// Gives an issued invoice as a PDF/A-3b: the bytes that the customer got. Where there is an electronic
    /// invoice, it is attached as `factur-x.xml`, and the file is Factur-X.
    ///
    /// `GET /v1/invoices/{invoice}/pdf`. With a key of `operator:read`.
    pub async fn get_invoice_pdf(&self, invoice: &str) -> Result<Vec<u8>, Error> {
        self.send(Request::new(Method::GET, &["v1", "invoices", invoice, "pdf"])).await?.bytes()
    }

    /// Takes back what was given up of an invoice, or so much of it: the customer owes it, and is reminded, again.
    ///
    /// `POST /v1/invoices/{invoice}/reinstate`. With a key of one of `operator:billing`, `operator:write`.
    pub async fn reinstate_invoice(&self, invoice: &str, body: &WriteOffReason) -> Result<WriteOffView, Error> {
        self.send(Request::new(Method::POST, &["v1", "invoices", invoice, "reinstate"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Records what a platform, or the customer, told of an issued document. The latest by when it happened is its
    /// state; of one that was rejected or refused nobody is reminded. No money moves by it: that is a payment's
    /// part.
    ///
    /// `POST /v1/invoices/{invoice}/statuses`. With a key of one of `operator:billing`, `operator:write`.
    pub async fn create_invoice_status(&self, invoice: &str, body: &NewStatus) -> Result<WayView, Error> {
        self.send(Request::new(Method::POST, &["v1", "invoices", invoice, "statuses"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Gives up what is open of an invoice, or so much of it. What is paid later all the same takes its place.
    ///
    /// `POST /v1/invoices/{invoice}/write-off`. With a key of one of `operator:billing`, `operator:write`.
    pub async fn write_off_invoice(&self, invoice: &str, body: &WriteOffReason) -> Result<WriteOffView, Error> {
        self.send(Request::new(Method::POST, &["v1", "invoices", invoice, "write-off"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Lists payments in the order in which they were recorded.
    ///
    /// `GET /v1/payments`. With a key of `operator:read`.
    pub async fn list_payments(&self, query: &ListPaymentsQuery) -> Result<Page<PaymentView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "payments"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_payments`], page after page.
    pub fn all_payments(&self, query: &ListPaymentsQuery) -> Pages<'_, PaymentView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "payments"]).query(query.pairs()))
    }

    /// Records a payment. It settles the document that it names, up to what is open; what is left waits for a
    /// person. Told again under its reference, it changes nothing.
    ///
    /// `POST /v1/payments`. With a key of one of `operator:billing`, `operator:write`.
    pub async fn create_payment(&self, body: &NewPayment) -> Result<PaymentView, Error> {
        self.send(Request::new(Method::POST, &["v1", "payments"]).json("application/json", body)?).await?.json()
    }

    /// Records what a bank's file says was booked: a statement (camt.053) or a notification (camt.054) of ISO
    /// 20022, any version. Sent again, it changes nothing. Import one kind for an account: what the bank books in
    /// bulk has one reference in the one and many in the other.
    ///
    /// `POST /v1/payments/import`. With a key of one of `operator:billing`, `operator:write`.
    pub async fn import_payments(&self, query: &ImportPaymentsQuery, body: &str) -> Result<ImportView, Error> {
        self.send(
            Request::new(Method::POST, &["v1", "payments", "import"])
                .query(query.pairs())
                .text("application/xml", body),
        )
        .await?
        .json()
    }

    /// Shows a payment, with what it settles.
    ///
    /// `GET /v1/payments/{payment}`. With a key of `operator:read`.
    pub async fn get_payment(&self, payment: &str) -> Result<PaymentView, Error> {
        self.send(Request::new(Method::GET, &["v1", "payments", payment])).await?.json()
    }

    /// Sets what is left of a payment against a document. A person's act, on record.
    ///
    /// `POST /v1/payments/{payment}/assign`. With a key of one of `operator:billing`, `operator:write`.
    pub async fn assign_payment(&self, payment: &str, body: &Assignment) -> Result<PaymentView, Error> {
        self.send(Request::new(Method::POST, &["v1", "payments", payment, "assign"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Takes what a payment settles of a document off it again. A person's act, on record.
    ///
    /// `POST /v1/payments/{payment}/release`. With a key of one of `operator:billing`, `operator:write`.
    pub async fn release_payment(&self, payment: &str, body: &Release) -> Result<PaymentView, Error> {
        self.send(Request::new(Method::POST, &["v1", "payments", payment, "release"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Lists what was proposed, the latest first.
    ///
    /// `GET /v1/proposals`. With a key of `operator:read`.
    pub async fn list_proposals(&self, query: &ListProposalsQuery) -> Result<Page<ProposalView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "proposals"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_proposals`], page after page.
    pub fn all_proposals(&self, query: &ListProposalsQuery) -> Pages<'_, ProposalView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "proposals"]).query(query.pairs()))
    }

    /// Approves what another person proposed, and does it. Nobody approves what they proposed themselves: not with
    /// the same key, nor with a session of it, nor with one that took its place, that it made, or that the same
    /// person made.
    ///
    /// `POST /v1/proposals/{proposal}/approve`. With a key of one of `operator:billing`, `operator:write`.
    pub async fn approve_proposal(&self, proposal: &str) -> Result<ProposalView, Error> {
        self.send(Request::new(Method::POST, &["v1", "proposals", proposal, "approve"])).await?.json()
    }

    /// Refuses what was proposed. Whoever proposed it may, too: it takes it back.
    ///
    /// `POST /v1/proposals/{proposal}/refuse`. With a key of one of `operator:billing`, `operator:write`.
    pub async fn refuse_proposal(&self, proposal: &str, body: &Refusal) -> Result<ProposalView, Error> {
        self.send(Request::new(Method::POST, &["v1", "proposals", proposal, "refuse"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Lists what customers questioned, the latest first.
    ///
    /// `GET /v1/questions`. With a key of `operator:read`.
    pub async fn list_questions(&self, query: &ListQuestionsQuery) -> Result<Page<QuestionView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "questions"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_questions`], page after page.
    pub fn all_questions(&self, query: &ListQuestionsQuery) -> Pages<'_, QuestionView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "questions"]).query(query.pairs()))
    }

    /// Answers a question, once: with the credit note that was issued for it, or with why the line stands.
    ///
    /// `POST /v1/questions/{question}/answer`. With a key of one of `operator:billing`, `operator:write`.
    pub async fn answer_question(&self, question: &str, body: &NewAnswer) -> Result<QuestionView, Error> {
        self.send(Request::new(Method::POST, &["v1", "questions", question, "answer"]).json("application/json", body)?)
            .await?
            .json()
    }

    /// Questions a line of an issued invoice. An operator answers it, with a credit note or a reasoned no; both are
    /// told of by `question.asked` and `question.answered`. At most 100 wait for an answer at a time.
    ///
    /// `POST /v1/tenants/{tenant}/invoices/{invoice}/questions`. With a key of one of `tenant:billing`,
    /// `operator:write`.
    pub async fn create_tenant_invoice_question(
        &self,
        tenant: &str,
        invoice: &str,
        body: &NewQuestion,
    ) -> Result<QuestionView, Error> {
        self.send(
            Request::new(Method::POST, &["v1", "tenants", tenant, "invoices", invoice, "questions"])
                .json("application/json", body)?,
        )
        .await?
        .json()
    }

    /// Lists what a tenant questioned, the latest first.
    ///
    /// `GET /v1/tenants/{tenant}/questions`. With a key of one of `tenant:read`, `operator:read`.
    pub async fn list_tenant_questions(&self, tenant: &str, query: &Paging) -> Result<Page<QuestionView>, Error> {
        self.send(Request::new(Method::GET, &["v1", "tenants", tenant, "questions"]).query(query.pairs())).await?.json()
    }

    /// As [`Client::list_tenant_questions`], page after page.
    pub fn all_tenant_questions(&self, tenant: &str, query: &Paging) -> Pages<'_, QuestionView> {
        Pages::new(self, Request::new(Method::GET, &["v1", "tenants", tenant, "questions"]).query(query.pairs()))
    }
}
