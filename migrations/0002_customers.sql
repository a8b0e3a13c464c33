-- Who sells, who pays, who uses.

-- The legal entity whose name stands on the invoice. Its zone decides when a month begins; it can't change
-- once a period was closed under it (periods hold the instants, so a change could only tear a hole).
create table issuers (
    issuer_id   uuid primary key,
    name        text not null unique check (name <> ''),
    address     text not null default '',
    vat_id      text not null default '',
    country     text not null default '' check (country ~ '^([A-Z]{2})?$'),
    zone        text not null,                      -- IANA name with whole-hour offsets, checked before insert
    series      text not null check (series ~ '^[A-Z0-9-]{1,12}$'), -- prefix of its invoice numbers
    due_days    int not null default 30 check (due_days between 0 and 365),
    created_at  timestamptz not null
);

-- The legal customer: receives one invoice a period.
create table accounts (
    account_id  uuid primary key,
    issuer_id   uuid not null references issuers,
    name        text not null unique check (name <> ''),
    address     text not null default '',
    vat_id      text not null default '',
    country     text not null default '' check (country ~ '^([A-Z]{2})?$'),
    currency    text not null check (currency ~ '^[A-Z]{3}$'),
    created_at  timestamptz not null
);

-- Who uses. A suspense tenant stands for a key that no rule maps yet: its usage is visible and in no account.
create table tenants (
    tenant_id   uuid primary key,
    account_id  uuid references accounts,
    name        text not null unique check (name <> ''),
    kind        text not null check (kind in ('customer', 'suspense')),
    tenant_key  text,                               -- of a suspense tenant: the key it stands for
    created_at  timestamptz not null,
    constraint tenants_have_an_account check ((kind = 'customer') = (account_id is not null)),
    constraint suspense_has_its_key check ((kind = 'suspense') = (tenant_key is not null))
);
create unique index tenants_suspense_key on tenants (tenant_key) where kind = 'suspense';
create index tenants_account on tenants (account_id);

-- A tenant's own subdivision. Nodes report a project by name; a name that is not here is usage all the same.
create table projects (
    tenant_id   uuid not null references tenants,
    name        text not null check (name <> ''),
    project_id  uuid not null,
    created_at  timestamptz not null,
    primary key (tenant_id, name)
);
