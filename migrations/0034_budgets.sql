-- What a tenant means to spend, which thresholds of it were reached, and what somebody has to look at.

-- Counts for the billing month in the seller's zone. It holds nobody back by itself: a hard one is answered for by the question
-- whether somebody may start more.
create table budgets (
    tenant_id   uuid not null references tenants,
    budget_id   uuid not null unique,
    name        text not null check (name <> ''),
    project     text,                               -- null: all
    sku         text,                               -- null: all
    measure     text not null check (measure in ('amount', 'gpu_hours')),
    ceiling     numeric(28, 9) not null check (ceiling > 0), -- in the account's currency, or hours
    basis       text not null check (basis in ('actual', 'forecast')),
    thresholds  int[] not null check (cardinality(thresholds) between 1 and 10 and 1 <= all (thresholds) and 1000 >= all (thresholds)),
    hard        boolean not null,
    created_at  timestamptz not null,
    created_by  text not null,
    primary key (tenant_id, budget_id),
    unique (tenant_id, name),
    constraint hours_are_whole check (measure = 'amount' or ceiling = trunc(ceiling))
);

-- A threshold fires once a period. The row goes when the budget was raised so far that it is not reached any more: then it may
-- fire again. What it said stands in its alert, for ever.
create table budget_firings (
    tenant_id   uuid not null,
    budget_id   uuid not null,
    period_start timestamptz not null,
    threshold   int not null,
    ceiling     numeric(28, 9) not null,            -- as it was: only a raise makes it fire again
    fired_at    timestamptz not null,
    primary key (tenant_id, budget_id, period_start, threshold),
    foreign key (tenant_id, budget_id) references budgets on delete cascade
);

-- Accounts whose budgets are to be judged. Marks are moved here in a transaction of their own, so that whoever counts usage never
-- waits for a month to be rated; a row goes in the transaction that writes what was judged.
create table budgets_due (
    account_id  uuid primary key references accounts,
    due_at      timestamptz not null                -- later than it was marked: judging it failed
);

-- What somebody has to know. What is alike and goes on is one alert with a count, not many.
create table alerts (
    alert_id    uuid primary key,
    tenant_id   uuid references tenants,            -- null: the operator's
    kind        text not null,
    subject     text not null,                      -- for a reader
    fold        text not null,                      -- what is alike
    count       bigint not null check (count >= 0),
    numbers     jsonb not null,
    first_at    timestamptz not null,
    last_at     timestamptz not null,
    resolved_at timestamptz,                        -- of what goes on: when it was over
    acknowledged_at timestamptz,
    acknowledged_by text,
    constraint acknowledged_by_somebody check ((acknowledged_at is null) = (acknowledged_by is null))
);
create index alerts_of_tenant on alerts (tenant_id, alert_id);
create unique index alerts_going_on on alerts (kind, fold) where tenant_id is null and resolved_at is null;

-- Nodes in service that say nothing, each with the alert that tells of it.
create table silent_nodes (
    node_id     uuid primary key references nodes,
    alert_id    uuid not null references alerts,
    since       timestamptz not null                -- the end of what it last reported
);

do $$
declare name text;
begin
    foreach name in array array['budgets', 'budget_firings', 'budgets_due', 'alerts', 'silent_nodes'] loop
        execute format('alter table %I owner to releve_owner', name);
        execute format('grant select, insert on %I to releve_app', name);
    end loop;
    foreach name in array array['budgets', 'budget_firings', 'alerts'] loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy app_sees_all on %I to releve_app using (true) with check (true)', name);
        execute format('create policy tenant_sees_own on %I for select to releve_tenant using (tenant_id = current_tenant())', name);
        execute format('grant select on %I to releve_tenant', name);
    end loop;
end
$$;
grant update, delete on budgets, budgets_due to releve_app;
grant delete on budget_firings, silent_nodes to releve_app;
grant update on alerts to releve_app;
