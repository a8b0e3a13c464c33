-- What came in for what was invoiced. An invoice's payment state is no column: it follows from these facts and the due date.

-- Money that a legal entity received, or, below zero, paid out. Never changed, never dropped: what nobody can place waits.
create table payments (
    payment_id  uuid primary key,
    issuer_id   uuid not null references issuers,
    -- The payment that this one gives back, wholly or in part: a return, or a direct debit refused afterwards.
    returns     uuid references payments,
    amount      numeric(28, 9) not null check (amount <> 0),
    currency    text not null,
    paid_on     date not null,                       -- the value date where the bank says it, else the booking date
    source      text not null check (source in ('api', 'camt')),
    -- The bank's, or the caller's. With it the same payment is known again, however often a statement is sent.
    reference   text not null check (reference <> ''),
    end_to_end_id text not null,                     -- what the payer gave it, and a return repeats; empty: nothing
    payer       text not null,
    remittance  text not null,
    -- Why it, or what was left of it, waited for a person when it came. Whether it still does follows from the settlements.
    held_for    text check (held_for in ('no_invoice', 'several_invoices', 'nothing_open', 'other_currency', 'surplus',
                                         'unknown_payment')),
    recorded_at timestamptz not null,
    recorded_by text not null,
    unique (issuer_id, reference)
);
create trigger frozen before update or delete on payments for each row execute function refuse_change();
-- Returns are found from their payment, and a payment from what its return repeats.
create index payments_returns on payments (returns) where returns is not null;
create index payments_end_to_end on payments (issuer_id, end_to_end_id) where end_to_end_id <> '';

-- What of a payment was set against which document. A mistake is taken back by another row, with the opposite sign.
create table settlements (
    settlement_id uuid primary key,
    payment_id  uuid not null references payments,
    account_id  uuid not null references accounts,
    invoice_id  uuid not null references invoices,
    amount      numeric(28, 9) not null check (amount <> 0),
    paid_on     date not null,                       -- the payment's, since tenants see settlements and no payments
    reason      text not null,                       -- why a person placed it there; empty: its text named the document
    settled_at  timestamptz not null,
    settled_by  text not null
);
create trigger frozen before update or delete on settlements for each row execute function refuse_change();
create index settlements_invoice on settlements (account_id, invoice_id);
create index settlements_payment on settlements (payment_id);

-- Which VAT each bears: what France asks for where VAT is due on receipt (CGI art. 290 A). The rows of a paid invoice add up to its taxes.
create table settlement_taxes (
    settlement_id uuid not null references settlements,
    account_id  uuid not null,
    ground      text not null,
    rate        numeric(5, 2) not null,
    base        numeric(28, 9) not null,
    tax         numeric(28, 9) not null,
    primary key (settlement_id, ground, rate)
);
create trigger frozen before update or delete on settlement_taxes for each row execute function refuse_change();

-- What of a payment is set against nothing, returns taken off. A return waits for nothing itself.
create function payment_left(p payments) returns numeric language sql stable as $$
    select case when p.returns is not null then 0
                else p.amount
                     + coalesce((select sum(r.amount) from payments r where r.returns = p.payment_id), 0)
                     - coalesce((select sum(s.amount) from settlements s
                                 where s.payment_id = p.payment_id
                                    or s.payment_id in (select r.payment_id from payments r where r.returns = p.payment_id)), 0)
           end
$$;

-- A document is never settled beyond what is payable on it, nor the other way: whoever writes has made sure of it under the
-- issuer's lock, and this makes sure of them.
create function refuse_oversettled() returns trigger language plpgsql as $$
declare
    broken text;
begin
    select i.number into broken
    from (select distinct account_id, invoice_id from touched) t
    join invoices i on i.invoice_id = t.invoice_id
    join lateral (
        select sum(s.amount) as amount from settlements s
        where s.account_id = t.account_id and s.invoice_id = t.invoice_id
    ) settled on true
    where i.state <> 'issued' or i.account_id <> t.account_id
        or settled.amount not between least(i.payable, 0) and greatest(i.payable, 0);
    if found then
        raise exception '% would be settled beyond what is payable', coalesce(broken, 'a document that is not issued')
            using errcode = '23R05';
    end if;
    return null;
end
$$;
create trigger fits after insert on settlements referencing new table as touched
    for each statement execute function refuse_oversettled();

-- What a person gave up of an invoice. It counts as far as nothing else covers it.
create table write_offs (
    account_id  uuid not null references accounts,
    invoice_id  uuid not null references invoices,
    amount      numeric(28, 9) not null check (amount > 0),
    reason      text not null check (reason <> ''),
    written_off_at timestamptz not null,
    written_off_by text not null,
    primary key (account_id, invoice_id)
);
create trigger frozen before update or delete on write_offs for each row execute function refuse_change();

-- After how many days past due a customer is reminded, level by level. Empty: never.
alter table issuers add column dunning_days smallint[] not null default '{}';

-- Reminders that were due, once per level: of several that were reached while nobody looked, the highest.
create table dunning_notices (
    account_id  uuid not null references accounts,
    invoice_id  uuid not null references invoices,
    level       int not null check (level >= 1),
    open        numeric(28, 9) not null check (open > 0),
    noticed_at  timestamptz not null,
    primary key (account_id, invoice_id, level)
);
create trigger frozen before update or delete on dunning_notices for each row execute function refuse_change();
-- What may be overdue is looked for by when it was due.
create index invoices_due on invoices (issuer_id, due_at) where state = 'issued';
-- Payments name documents by number; (issuer_id, number) has an index already, and a period's documents have theirs.

do $$
declare
    t text;
begin
    foreach t in array array['payments', 'settlements', 'settlement_taxes', 'write_offs', 'dunning_notices'] loop
        execute format('alter table %I owner to releve_owner', t);
        execute format('grant select, insert on %I to releve_app', t);
    end loop;
    -- A payment itself is the issuer's business: whose it is may not be known, or it may be several customers'.
    foreach t in array array['settlements', 'settlement_taxes', 'write_offs', 'dunning_notices'] loop
        execute format('alter table %I enable row level security', t);
        execute format('create policy app_sees_all on %I to releve_app using (true) with check (true)', t);
        execute format('create policy account_sees_own on %I for select to releve_tenant using (account_id = current_account())', t);
        execute format('grant select on %I to releve_tenant', t);
    end loop;
end
$$;
alter function refuse_oversettled() owner to releve_owner;
alter function payment_left(payments) owner to releve_owner;
