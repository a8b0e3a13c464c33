-- Who is told what happened: webhook endpoints, what each of them is owed, and what became of each try.

-- An entry of the outbox is an event. It is set against the endpoints that want it once; what each of them gets of it, and when,
-- is its delivery's business.
alter table outbox
    drop column attempts,
    drop column next_at,
    drop column delivered_at, -- with them goes the index of what was due
    add column spread_at timestamptz;
create index outbox_unspread on outbox (created_at) where spread_at is null;
create index outbox_created on outbox (created_at); -- to forget old ones

create table webhook_endpoints (
    endpoint_id   uuid primary key,
    account_id    uuid references accounts,  -- whose events it is told; null: the operator's own, which is told all
    url           text not null check (octet_length(url) between 1 and 2048),
    description   text not null,
    topics        text[] not null,           -- empty: every topic
    created_at    timestamptz not null,
    created_by    text not null,
    failing_since timestamptz,               -- the first failure since the last success
    disabled_at   timestamptz,               -- what it is owed waits
    disabled_for  text check (disabled_for in ('asked', 'gone', 'failing')),
    removed_at    timestamptz,               -- kept for its log; owed nothing
    constraint disabled_for_a_reason check ((disabled_at is null) = (disabled_for is null))
);

-- What its messages are signed with. For a while after a rotation there are two, and both sign.
create table webhook_secrets (
    secret_id   bigint generated always as identity primary key, -- the higher, the newer
    endpoint_id uuid not null references webhook_endpoints,
    secret      bytea not null check (octet_length(secret) between 24 and 64), -- Standard Webhooks 1.0.0, "Signature scheme"
    created_at  timestamptz not null,
    until_at    timestamptz                                                    -- null: the one in force
);
create unique index webhook_secrets_in_force on webhook_secrets (endpoint_id) where until_at is null;

create table webhook_deliveries (
    endpoint_id uuid not null references webhook_endpoints,
    event_id    uuid not null references outbox on delete cascade,
    state       text not null check (state in ('waiting', 'delivered', 'given_up')),
    tries       int not null default 0 check (tries >= 0), -- since it was last asked for
    due_at      timestamptz not null, -- of a waiting one: the next try. While one is under way: when that counts as lost
    done_at     timestamptz,
    primary key (endpoint_id, event_id),
    constraint done_at_some_time check ((state = 'waiting') = (done_at is null))
);
create index webhook_deliveries_due on webhook_deliveries (due_at) where state = 'waiting';
create index webhook_deliveries_event on webhook_deliveries (event_id);

create table webhook_tries (
    try_id      bigint generated always as identity primary key,
    endpoint_id uuid not null,
    event_id    uuid not null,
    at          timestamptz not null,
    took_ms     bigint not null check (took_ms >= 0),
    status      int,            -- of the answer, if there was one
    failure     text,           -- why it does not count as delivered; null: it does
    answer      text not null,  -- how the answer's body begins
    foreign key (endpoint_id, event_id) references webhook_deliveries on delete cascade
);
create index webhook_tries_delivery on webhook_tries (endpoint_id, event_id);

do $$
declare name text;
begin
    foreach name in array array['webhook_endpoints', 'webhook_secrets', 'webhook_deliveries', 'webhook_tries'] loop
        execute format('alter table %I owner to releve_owner', name);
        execute format('grant select, insert on %I to releve_app', name);
    end loop;
end
$$;
grant update on webhook_endpoints, webhook_deliveries to releve_app;
grant update (until_at), delete on webhook_secrets to releve_app;
grant delete on webhook_deliveries, webhook_tries to releve_app;
