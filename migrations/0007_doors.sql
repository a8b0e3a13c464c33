-- What goes in and out: keys, repeated requests, side effects, and who did what.

-- Credentials of the HTTP API, stored as a digest: 256 random bits need no slow hash.
create table api_keys (
    key_id      uuid primary key,
    sha256      bytea not null unique check (length(sha256) = 32),
    hint        text not null,                       -- the first characters, to tell keys apart
    name        text not null,
    tenant_id   uuid references tenants,             -- null: an operator's or an agent's key
    scopes      text[] not null,
    meters      text[] not null default '{}',        -- which meters it may send readings of; {*} any
    created_at  timestamptz not null,
    created_by  text not null,
    expires_at  timestamptz,
    revoked_at  timestamptz,
    last_used_at timestamptz
);

-- The answer to a request that may be sent again. Same key and same content: same answer; other content: refused.
create table idempotency_keys (
    scope       text not null,                       -- the credential that sent it
    key         text not null,
    request_sha256 bytea not null,
    status      int,                                 -- null: still in progress
    body        bytea,
    created_at  timestamptz not null,
    primary key (scope, key)
);

-- Side effects leave through here, written in the transaction of the state change that causes them.
create table outbox (
    outbox_id   uuid primary key,
    topic       text not null,
    account_id  uuid,
    body        jsonb not null,
    created_at  timestamptz not null,
    attempts    int not null default 0,
    next_at     timestamptz not null,
    delivered_at timestamptz
);
create index outbox_due on outbox (next_at) where delivered_at is null;

-- Who changed what.
create table audit_log (
    entry       bigint generated always as identity primary key,
    at          timestamptz not null,
    actor       text not null,
    action      text not null,
    subject     text not null,
    before      jsonb,
    after       jsonb
);
create trigger frozen before update or delete on audit_log for each row execute function refuse_change();
