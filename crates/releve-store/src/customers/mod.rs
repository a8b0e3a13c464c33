//! Who sells, who pays, who uses? Issuers, accounts, tenants and their projects.

mod accounts;
mod brands;
mod issuers;
mod tenants;
mod vat_rates;

pub(crate) use self::issuers::scheme;
pub use self::{
    accounts::{Account, account, account_named, accounts, insert_account, share_accounts, update_account, zones},
    brands::{BrandRecord, brand, brands, put_brand},
    issuers::{Issuer, IssuerTerms, insert_issuer, issuer, issuers, lock_issuer, share_issuer, update_issuer},
    tenants::{Project, Tenant, insert_project, insert_tenant, projects, tenant, tenant_named, tenants},
    vat_rates::{NewVatRate, insert_vat_rate, vat_rates},
};

/// Who stands on a document: the same facts of a seller and of a customer. What is empty is not known.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Party {
    pub name: String,
    /// Street and house, in lines.
    pub address: String,
    pub postcode: String,
    pub city: String,
    /// ISO 3166 alpha-2.
    pub country: String,
    pub vat_id: String,
    /// The number in the register of companies: in France, the SIREN.
    pub legal_id: String,
    pub email: String,
}
