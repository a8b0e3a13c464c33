-- What was billed.

-- One attempt to bill everybody for a period. Idempotent and resumable: an account's outcome is a row here,
-- also when there was nothing to bill.
create table billing_runs (
    run_id      uuid primary key,
    issuer_id   uuid not null references issuers,
    period_start timestamptz not null,
    period_end  timestamptz not null,
    started_at  timestamptz not null,
    finished_at timestamptz,
    unique (issuer_id, period_start)
);

create table invoices (
    invoice_id  uuid primary key,
    account_id  uuid not null references accounts,
    issuer_id   uuid not null references issuers,
    state       text not null check (state in ('draft', 'parked', 'issued')),
    period_start timestamptz not null,
    period_end  timestamptz not null,
    book        int not null,                        -- the open book when it was made; issuing closes it
    series      text not null,
    year        int,
    serial      bigint,                              -- gapless per issuer, series and year; taken last
    number      text,                                -- as printed: <series>-<year>-<serial>
    currency    text not null,
    total       numeric(28, 9) not null,
    digest      bytea,                               -- over everything it rests on
    parked_for  jsonb not null default '[]',         -- why a person is needed, with what to do
    created_at  timestamptz not null,
    issued_at   timestamptz,
    due_at      timestamptz,
    constraint issued_is_complete check (
        state <> 'issued' or (number is not null and year is not null and serial is not null
                              and digest is not null and issued_at is not null and due_at is not null)),
    constraint numbered_only_when_issued check (state = 'issued' or number is null),
    unique (issuer_id, series, year, serial),
    unique (issuer_id, number),                      -- two issuers may use the same series
    unique (account_id, period_start, book)          -- one document per account, period and book
);
create index invoices_account on invoices (account_id, period_start);

create table invoice_lines (
    account_id  uuid not null,
    invoice_id  uuid not null references invoices,
    line        int not null check (line >= 1),
    tenant_id   uuid not null,
    project     text not null,
    sku         text not null,
    description text not null,
    unit        text not null,
    price_id    uuid not null,
    tier        int not null,
    from_at     timestamptz not null,
    to_at       timestamptz not null,
    metered     bigint not null,                     -- base units, as measured
    billed      bigint not null,                     -- base units, after the plan's rounding
    energy_mj   bigint not null default 0,
    unit_price  numeric(28, 9) not null,
    base_quantity bigint not null,
    amount      numeric(28, 9) not null,
    primary key (account_id, invoice_id, line)
);

-- Issued is immutable; a draft or a parked one may still be made again.
create function refuse_issued() returns trigger language plpgsql as $$
begin
    if old.state = 'issued' then
        raise exception 'invoice % was issued and does not change', old.number using errcode = '23R03';
    end if;
    return case tg_op when 'DELETE' then old else new end;
end
$$;
create trigger frozen before update or delete on invoices for each row execute function refuse_issued();

create function refuse_issued_lines() returns trigger language plpgsql as $$
begin
    if exists (select from invoices i where i.invoice_id = coalesce(old.invoice_id, new.invoice_id) and i.state = 'issued')
    then
        raise exception 'lines of an issued invoice do not change' using errcode = '23R03';
    end if;
    return case tg_op when 'DELETE' then old else new end;
end
$$;
create trigger frozen before update or delete on invoice_lines for each row execute function refuse_issued_lines();

-- Nor does an issued invoice grow: its lines are there before its number is.
create function refuse_late_lines() returns trigger language plpgsql as $$
begin
    if exists (select from touched l join invoices i on i.invoice_id = l.invoice_id where i.state = 'issued') then
        raise exception 'an issued invoice gets no further lines' using errcode = '23R03';
    end if;
    return null;
end
$$;
create trigger no_late_lines after insert on invoice_lines referencing new table as touched
    for each statement execute function refuse_late_lines();

-- What a run did with each account.
create table billing_run_accounts (
    run_id      uuid not null references billing_runs,
    account_id  uuid not null references accounts,
    outcome     text not null check (outcome in ('issued', 'parked', 'nothing')),
    invoice_id  uuid references invoices,
    at          timestamptz not null,
    primary key (run_id, account_id)
);

-- The last number of each series. The row is taken by the last statement of the issuing transaction, so a
-- rollback gives the number back and the series has no gap. Its issue date never goes back.
create table number_series (
    issuer_id   uuid not null references issuers,
    series      text not null,
    year        int not null,
    last_serial bigint not null,
    last_issued_at timestamptz not null,
    primary key (issuer_id, series, year)
);

-- The bytes of issued documents, as they were first rendered.
create table invoice_documents (
    account_id  uuid not null,
    invoice_id  uuid not null references invoices,
    media_type  text not null,
    sha256      bytea not null,
    body        bytea not null,
    created_at  timestamptz not null,
    primary key (account_id, invoice_id, media_type)
);
create trigger frozen before update or delete on invoice_documents for each row execute function refuse_change();

-- A missing stretch that a person decided to bill around. Audited, append-only.
create table gap_acceptances (
    node_id     uuid not null references nodes,
    from_at     timestamptz not null,
    to_at       timestamptz not null check (from_at < to_at),
    reason      text not null check (reason <> ''),
    accepted_by text not null,
    accepted_at timestamptz not null,
    primary key (node_id, from_at, to_at)
);
create trigger frozen before update or delete on gap_acceptances for each row execute function refuse_change();
