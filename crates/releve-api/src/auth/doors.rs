//! What does a handler ask for? Extractors, one for each way in: a handler that takes one can't be called by who lacks it.

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use releve_store::{
    TenantTx,
    api_keys::CredentialKind,
    customers::{self, Tenant},
};
use releve_types::{AccountId, TenantId};
use sqlx::PgConnection;

use super::{Caller, Scope, authenticate, authenticate_as};
use crate::{
    AppState,
    error::{Code, Problem},
    limit::Door,
    lookup,
};

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident => [$($scope:ident),+], $door:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(Caller);

        impl $name {
            pub fn caller(&self) -> &Caller {
                &self.0
            }
        }

        impl FromRequestParts<AppState> for $name {
            type Rejection = Problem;
            async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
                let enough = [$(Scope::$scope),+];
                authenticate(parts, app, $door, async |_, caller| caller.must_have(&enough).map(Self)).await
            }
        }
    )*};
}

scopes! {
    /// May read everything.
    OperatorScope => [OperatorRead], Door::Api;
    /// May change what is billed: credits, payments, purchase orders, what became of invoices.
    OperatorBillingScope => [OperatorBilling, OperatorWrite], Door::Api;
    /// May change what operators change.
    OperatorWriteScope => [OperatorWrite], Door::Api;
    /// May send reports.
    AgentScope => [Agent], Door::Intake;
    /// May read `/metrics`.
    MetricsScope => [MetricsRead], Door::Api;
    /// May read what pages show: a tenant's or an operator's.
    ReaderScope => [TenantRead, OperatorRead], Door::Api;
}

const READERS: [Scope; 2] = [Scope::TenantRead, Scope::OperatorRead];

/// May start a session: whoever may read, and a link. A session may not, or it would go on for ever.
#[derive(Clone, Debug)]
pub struct BeginScope(Caller);

impl BeginScope {
    pub fn caller(&self) -> &Caller {
        &self.0
    }
}

impl FromRequestParts<AppState> for BeginScope {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let kinds = [CredentialKind::Key, CredentialKind::Link];
        authenticate_as(parts, app, Door::Api, &kinds, async |_, caller| caller.must_have(&READERS).map(Self)).await
    }
}

/// May send readings of some meters.
#[derive(Clone, Debug)]
pub struct ReadingScope(Caller);

impl ReadingScope {
    pub fn covers(&self, meter: &str) -> bool {
        self.0.has(&Scope::Reading(meter.to_owned()))
    }
}

impl FromRequestParts<AppState> for ReadingScope {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        authenticate(parts, app, Door::Intake, async |_, caller| {
            if caller.0.meters.is_empty() {
                return Err(Problem::new(Code::Forbidden, "this takes a key with a scope 'reading:<meter>'"));
            }
            Ok(Self(caller))
        })
        .await
    }
}

macro_rules! tenant_scopes {
    ($($(#[$doc:meta])* $name:ident => $own:ident, $any:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            caller: Caller,
            tenant: Tenant,
        }

        impl $name {
            pub fn caller(&self) -> &Caller {
                &self.caller
            }

            pub fn tenant(&self) -> &Tenant {
                &self.tenant
            }

            pub fn id(&self) -> TenantId {
                self.tenant.id
            }

            pub fn account(&self) -> AccountId {
                self.tenant.account
            }

            /// A transaction that sees this tenant's rows only: the one way to the database where a tenant reads.
            pub async fn begin(&self, app: &AppState) -> Result<TenantTx, Problem> {
                Ok(app.db().begin_tenant(self.tenant.id, self.tenant.account).await?)
            }
        }

        impl FromRequestParts<AppState> for $name {
            type Rejection = Problem;
            async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
                let (caller, tenant) = of_tenant(parts, app, [Scope::$own, Scope::$any]).await?;
                Ok(Self { caller, tenant })
            }
        }
    )*};
}

// Each for the tenant in the path: the only one of a tenant's key, any one of an operator's.
tenant_scopes! {
    /// May read one tenant.
    TenantScope => TenantRead, OperatorRead;
    /// May change one tenant's budgets.
    TenantBillingScope => TenantBilling, OperatorWrite;
    /// May see how one tenant is called and told: its keys and endpoints.
    TenantAdminReadScope => TenantAdmin, OperatorRead;
    /// May change one tenant's keys and endpoints.
    TenantAdminScope => TenantAdmin, OperatorWrite;
}

/// The caller, with the first of these scopes for its own tenant or with the second for any, and the tenant in the path.
async fn of_tenant(parts: &mut Parts, app: &AppState, scopes: [Scope; 2]) -> Result<(Caller, Tenant), Problem> {
    let params = RawPathParams::from_request_parts(parts, app).await;
    let reference = params.ok().and_then(|params| {
        let found = params.iter().find(|(name, _)| *name == "tenant");
        found.map(|(_, value)| value.to_owned())
    });
    let reference = reference.unwrap_or_default();
    authenticate(parts, app, Door::Api, async |conn, caller| {
        let caller = caller.must_have(&scopes)?;
        let [_, any] = &scopes;
        // A tenant's key looks up its own tenant, whatever the path says: what is another's and what never
        // was take the same way to the same answer.
        let tenant = if caller.has(any) {
            lookup::tenant(conn, &reference).await?
        } else {
            own_tenant(conn, &caller, &reference).await?
        };
        Ok((caller, tenant))
    })
    .await
}

async fn own_tenant(conn: &mut PgConnection, caller: &Caller, reference: &str) -> Result<Tenant, Problem> {
    let own = match caller.0.tenant {
        Some(id) => customers::tenant(conn, id).await?,
        None => None,
    };
    let named = |tenant: &Tenant| tenant.name == reference || tenant.id.to_string() == reference;
    own.filter(named).ok_or_else(|| Problem::not_found("tenant", reference))
}
