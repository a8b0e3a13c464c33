//! Which ids exist, and how is each written? One registry, alphabetical, append-only.
//!
//! An id is a UUID with a type: `ten_0190…` in the API, in logs and on documents, a plain `uuid` in SQL.

use std::{fmt, str::FromStr};

use uuid::Uuid;

use crate::time::Timestamp;

/// Text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a {kind} id: expected '{prefix}_' and a UUID")]
pub struct IdError {
    pub text: String,
    pub kind: &'static str,
    pub prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident => $prefix:literal, $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            /// A fresh id that sorts by `now`.
            pub fn fresh(now: Timestamp) -> Self {
                Self(fresh_uuid(now))
            }

            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                parse($prefix, text).map(Self).ok_or_else(|| IdError {
                    text: text.chars().take(80).collect(), kind: $kind, prefix: $prefix,
                })
            }
        }
    )*};
}

ids! {
    /// The legal customer that receives the invoice.
    AccountId => "acc", "account";
    /// What an account agreed to beside its price books.
    AgreementId => "agr", "agreement";
    /// Something that somebody has to know.
    AlertId => "alt", "alert";
    /// One grant of devices to a workload; derived from its tenant key and the name it has on the node.
    AllocationId => "alo", "allocation";
    /// A credential for the HTTP API.
    ApiKeyId => "key", "API key";
    /// What a tenant means to spend in a month.
    BudgetId => "bud", "budget";
    /// Money that an account may draw on: paid in advance, or granted.
    CreditId => "crd", "credit";
    /// An invoice, draft or issued.
    InvoiceId => "inv", "invoice";
    InvoiceStatusId => "ist", "status of an invoice";
    /// Figures of a month that somebody takes away.
    ExportId => "exp", "export";
    /// Something that happened and that somebody is told of: an entry of the outbox.
    EventId => "evt", "event";
    ExchangeRateId => "exr", "exchange rate";
    /// The legal entity that sells and whose name stands on the invoice.
    IssuerId => "iss", "issuer";
    /// What a customer asks about a line of an invoice.
    QuestionId => "qst", "question";
    /// What a person is to a tenant or to the operator.
    MembershipId => "mbr", "membership";
    /// A machine with GPUs.
    NodeId => "nod", "node";
    /// Money that came in or went out.
    PaymentId => "pay", "payment";
    /// A dated list of prices.
    PriceBookId => "pbk", "price book";
    /// One dated price in a price book.
    PriceId => "prc", "price";
    /// A tenant's own subdivision.
    ProjectId => "prj", "project";
    /// What one operator asked for and another one has to approve.
    ProposalId => "prp", "proposal";
    /// What a customer ordered in advance.
    PurchaseOrderId => "por", "purchase order";
    /// A message that was understood but not believed.
    QuarantineId => "qua", "quarantine entry";
    /// An invoice run.
    RunId => "run", "billing run";
    /// Who uses.
    TenantId => "ten", "tenant";
    /// A person who signs in.
    UserId => "usr", "user";
    /// Where events are posted to.
    WebhookEndpointId => "whe", "webhook endpoint";
    /// One dated rule from a tenant key to a tenant.
    KeyRuleId => "rul", "tenant key rule";
}

/// A GPU or a MIG slice, known by the UUID that NVIDIA's driver gives it, never by index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceId {
    Gpu(Uuid),
    Mig(Uuid),
}

impl DeviceId {
    pub const fn uuid(self) -> Uuid {
        match self {
            Self::Gpu(uuid) | Self::Mig(uuid) => uuid,
        }
    }

    pub const fn is_slice(self) -> bool {
        matches!(self, Self::Mig(_))
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gpu(uuid) => write!(f, "GPU-{uuid}"),
            Self::Mig(uuid) => write!(f, "MIG-{uuid}"),
        }
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for DeviceId {
    type Err = IdError;
    /// Accepts `GPU-<uuid>` and `MIG-<uuid>` only: an ordinal ("0", "nvidia3") or a replica suffix
    /// ("GPU-…::2") names a position, not a device.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let error = || IdError { text: text.chars().take(80).collect(), kind: "device", prefix: "GPU- or MIG-" };
        let (make, rest): (fn(Uuid) -> Self, &str) = if let Some(rest) = text.strip_prefix("GPU-") {
            (Self::Gpu, rest)
        } else if let Some(rest) = text.strip_prefix("MIG-") {
            (Self::Mig, rest)
        } else {
            return Err(error());
        };
        canonical_uuid(rest).map(make).ok_or_else(error)
    }
}

/// A version 7 UUID whose time is `now`.
pub fn fresh_uuid(now: Timestamp) -> Uuid {
    let random = Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, 0, 0));
    let mut tail = [0; 10];
    tail.copy_from_slice(&random.as_bytes()[6..]);
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
}

fn parse(prefix: &str, text: &str) -> Option<Uuid> {
    let rest = text.strip_prefix(prefix)?.strip_prefix('_')?;
    let uuid = Uuid::try_parse(rest).ok()?;
    (uuid.simple().to_string() == rest).then_some(uuid)
}

/// Only the one hyphenated lower-case spelling, so that one device has one name.
fn canonical_uuid(text: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(text).ok()?;
    (uuid.hyphenated().to_string() == text).then_some(uuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_goes_there_and_back() {
        let now = Timestamp::from_millis(1_588_291_200_000);
        let id = TenantId::fresh(now);
        assert_eq!(id.to_string().parse::<TenantId>(), Ok(id));
        assert!(id.to_string().starts_with("ten_"));
        assert!(id.to_string().parse::<AccountId>().is_err(), "another kind's id is refused");
        assert_eq!(id.uuid().get_version_num(), 7);
    }

    #[test]
    fn later_ids_sort_later() {
        let earlier = TenantId::fresh(Timestamp::from_millis(1_000));
        let later = TenantId::fresh(Timestamp::from_millis(2_000));
        assert!(earlier < later);
    }

    #[test]
    fn a_device_is_never_an_index() {
        for bad in ["0", "nvidia3", "GPU-1", "GPU-604ac76c-d9cf-fef3-62e9-d92044ab6e52::2", "gpu-604ac76c", ""] {
            assert!(bad.parse::<DeviceId>().is_err(), "{bad}");
        }
        let good = "GPU-604ac76c-d9cf-fef3-62e9-d92044ab6e52";
        assert_eq!(good.parse::<DeviceId>().map(|d| d.to_string()), Ok(good.to_owned()));
        assert!("MIG-604ac76c-d9cf-fef3-62e9-d92044ab6e52".parse::<DeviceId>().is_ok_and(DeviceId::is_slice));
    }
}
