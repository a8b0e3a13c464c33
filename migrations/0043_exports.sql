-- What finance takes away of a month.

-- A month that was closed for the books. What of its usage, and of earlier months', was on no document when it ended is kept as it was
-- known then: it opens the next month, and what comes late is earned there. Closing is done once; taken away again, a month says the same.
create table month_closings (
    issuer_id   uuid not null references issuers,
    period_start timestamptz not null,
    period_end  timestamptz not null check (period_start < period_end),
    closed_at   timestamptz not null,                -- up to when usage and documents were known
    closed_by   text not null,
    ledgers     jsonb not null,                      -- the seller's own account numbers, as it was booked with them
    primary key (issuer_id, period_start)
);
create trigger frozen before update or delete on month_closings for each row execute function refuse_change();

create table month_accruals (
    issuer_id   uuid not null,
    period_start timestamptz not null,
    account_id  uuid not null references accounts,
    usage_month text not null check (usage_month ~ '^[0-9]{4}-[0-9]{2}$'), -- of the seller's calendar
    sku         text not null,
    kind        text not null,                       -- a charge's
    currency    text not null,
    amount      numeric(28, 9) not null check (amount <> 0),
    primary key (issuer_id, period_start, account_id, usage_month, sku, kind, currency),
    foreign key (issuer_id, period_start) references month_closings
);
create trigger frozen before update or delete on month_accruals for each row execute function refuse_change();

-- What was asked to be taken away, and how far that has come. The files lie in the export storage, and so does what is known of them.
create table exports (
    export_id   uuid primary key,
    issuer_id   uuid not null references issuers,
    account_id  uuid references accounts,            -- null: of all its customers
    dataset     text not null,
    format      text not null check (format in ('csv', 'parquet')),
    period_start timestamptz not null,
    period_end  timestamptz not null check (period_start < period_end),
    state       text not null default 'pending' check (state in ('pending', 'done', 'failed')),
    files_done  int not null default 0,
    files_total int,                                 -- null: not begun
    manifest    jsonb check (state <> 'done' or manifest is not null),
    error       text check (state <> 'failed' or error is not null),
    requested_at timestamptz not null,
    requested_by text not null,
    taken_until timestamptz,                         -- a program is at it; after that, another may take it
    finished_at timestamptz check (state = 'pending' or finished_at is not null)
);
-- The job looks for what waits.
create index exports_pending on exports (requested_at) where state = 'pending';
-- The schedule looks for what a month has.
create index exports_of on exports (issuer_id, period_start, dataset, format);

-- On which accounts a seller books: its own numbers and labels by what they are for; what is not there is as the French chart has it.
alter table issuers add column ledgers jsonb not null default '{}' check (jsonb_typeof(ledgers) = 'object');

do $$
declare
    t text;
begin
    foreach t in array array['month_closings', 'month_accruals', 'exports'] loop
        execute format('alter table %I owner to releve_owner', t);
        execute format('grant select, insert on %I to releve_app', t);
    end loop;
end
$$;
grant update (state, files_done, files_total, manifest, error, taken_until, finished_at) on exports to releve_app;
