-- What exists, since when. Everything here is append-only and dated: a change is a new row that holds from an
-- instant on, until the next row of the same key. What was true when a report was judged can be asked for ever.
--
-- `version` counts the changes. A report is judged against one version, which it stores; the transaction that
-- counts it reads `catalog_head` for share, so a change that lands meanwhile makes it judge again.
create table catalog_head (
    one         boolean primary key default true check (one),
    version     bigint not null
);
insert into catalog_head (version) values (0);

-- A machine with GPUs.
create table nodes (
    node_id     uuid primary key,
    name        text not null unique check (name <> ''),
    version     bigint not null,
    created_at  timestamptz not null
);

-- Where a node stands and whether it serves, from `from_at` until the next row. Only 'in_service' is expected
-- to report; 'maintenance' may; 'retired' may not. Region is part of the SKU, so rows start on whole hours.
create table node_states (
    node_id     uuid not null references nodes,
    from_at     timestamptz not null check (date_trunc('hour', from_at, 'UTC') = from_at),
    version     bigint not null,
    state       text not null check (state in ('in_service', 'maintenance', 'retired')),
    region      text not null check (region <> ''),
    site        text not null default '',
    rack        text not null default '',
    created_at  timestamptz not null,
    primary key (node_id, from_at, version)
);

-- The Ed25519 keys a node signs with, judged at the window's end. Revoking is a later row with valid = false.
create table node_keys (
    node_id     uuid not null references nodes,
    keyid       text not null check (keyid <> ''),
    from_at     timestamptz not null,
    version     bigint not null,
    public_key  bytea not null check (length(public_key) = 32),
    valid       boolean not null,
    created_at  timestamptz not null,
    primary key (node_id, keyid, from_at, version)
);

-- From what a node knows to who uses. The rule in effect for a key at an instant is the one with the latest
-- `from_at` not after it, and of those the latest version. `tenant_id` null: nobody, so suspense again.
create table tenant_key_rules (
    rule_id     uuid primary key,
    tenant_key  text not null check (tenant_key <> ''),
    from_at     timestamptz not null check (date_trunc('hour', from_at, 'UTC') = from_at),
    version     bigint not null,
    tenant_id   uuid references tenants,
    created_at  timestamptz not null,
    created_by  text not null,
    unique (tenant_key, from_at, version)
);

-- SKUs seen or priced so far, each with a short number for the rollups. A SKU without a price is not an
-- error: its usage is counted and shown as 'no price yet'.
create table skus (
    sku_id      int generated always as identity primary key,
    sku         text not null unique,
    unit        text not null check (unit in ('gpu_ms', 'gib_second', 'byte', 'token', 'count')),
    created_at  timestamptz not null
);

-- A dated list of prices in one currency.
create table price_books (
    price_book_id uuid primary key,
    name        text not null unique check (name <> ''),
    currency    text not null check (currency ~ '^[A-Z]{3}$'),
    created_at  timestamptz not null
);

-- One price, from `from_at` until the next one of the same SKU. Its id never changes meaning.
-- tiers: [{"up_to": <base units, null in the last>, "price": "<decimal, at most 6 places>"}], per base quantity.
create table prices (
    price_id    uuid primary key,
    price_book_id uuid not null references price_books,
    sku_id      int not null references skus,
    from_at     timestamptz not null check (date_trunc('hour', from_at, 'UTC') = from_at),
    model       text not null check (model in ('per_unit', 'graduated')),
    tiers       jsonb not null,
    rounding    text not null check (rounding in ('exact', 'second', 'second_min_60', 'started_minute', 'started_hour')),
    created_at  timestamptz not null,
    created_by  text not null,
    unique (price_book_id, sku_id, from_at)
);

-- Which price book an account's usage is rated by, from `from_at` on.
create table contracts (
    contract_id uuid primary key,
    account_id  uuid not null references accounts,
    price_book_id uuid not null references price_books,
    from_at     timestamptz not null check (date_trunc('hour', from_at, 'UTC') = from_at),
    created_at  timestamptz not null,
    created_by  text not null,
    unique (account_id, from_at)
);

-- Append-only, for everyone. Trigger errors carry our own class-23 codes, so that callers can tell them apart.
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'rows of % are never changed or deleted', tg_table_name using errcode = '23R01';
end
$$;
create trigger frozen before update or delete on node_states for each row execute function refuse_change();
create trigger frozen before update or delete on node_keys for each row execute function refuse_change();
create trigger frozen before update or delete on tenant_key_rules for each row execute function refuse_change();
create trigger frozen before update or delete on prices for each row execute function refuse_change();
create trigger frozen before update or delete on contracts for each row execute function refuse_change();

-- A customer's tenant, and the zone of its issuer's months, are judged by as well: a change there moves the
-- catalog too. Suspense tenants don't count: they are made while a batch holds the version.
create function move_catalog() returns trigger language plpgsql as $$
begin
    update catalog_head set version = version + 1;
    return null;
end
$$;
create trigger catalog_moves after insert or update on tenants for each row when (new.kind = 'customer')
    execute function move_catalog();
create trigger catalog_moves after update on issuers for each row execute function move_catalog();
