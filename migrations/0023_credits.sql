-- What an account may draw on before it pays: what was paid in advance, and what was granted.

create table credits (
    credit_id   uuid primary key,
    account_id  uuid not null references accounts,
    kind        text not null check (kind in ('granted', 'paid')),
    description text not null check (description <> ''),  -- what its line says
    amount      numeric(28, 9) not null check (amount > 0),
    currency    text not null,
    -- What its entries leave. Written by the trigger on them alone; this check is what no race gets past.
    remaining   numeric(28, 9) not null default 0 check (remaining >= 0 and remaining <= amount),
    priority    smallint not null check (priority between 0 and 1000), -- the lower, the earlier it is drawn
    from_at     timestamptz not null check (date_trunc('hour', from_at, 'UTC') = from_at),
    expires_at  timestamptz check (date_trunc('hour', expires_at, 'UTC') = expires_at), -- null: never
    scope       text check (scope in ('all', 'sku', 'project')), -- what a granted one pays for
    sku         text,
    tenant_id   uuid references tenants,
    project     text,
    payment_id  uuid references payments,                 -- of a paid one: the money it is
    paid_on     date,                                     -- the payment's, since tenants see credits and no payments
    created_at  timestamptz not null,
    created_by  text not null,
    constraint credits_end_after_they_start check (expires_at > from_at),
    constraint money_is_paid check ((kind = 'paid') = (payment_id is not null) and (kind = 'paid') = (paid_on is not null)),
    constraint what_is_granted_has_a_scope check ((kind = 'granted') = (scope is not null)),
    constraint a_scope_names_what_it_is_on check (
        (coalesce(scope, '') = 'project') = (tenant_id is not null and project is not null)
        and (coalesce(scope, '') = 'sku') = (sku is not null))
);
-- Those of an account that have something left are read whenever it is billed, and those that expired by the job that books it.
create index credits_account on credits (account_id) where remaining > 0;
create index credits_payment on credits (payment_id) where payment_id is not null;

-- The ledger: each row takes an amount from one side and brings it to another, so the sides balance by construction.
--   payment -> credit    an advance is opened            seller -> credit     a grant is opened
--   credit -> invoice    drawn by an invoice             invoice -> credit    given back by a credit note
--   credit -> expired    nobody drew it in its time      credit -> payment    an advance is the payer's again
--                                                        credit -> seller     a grant is taken back
create table credit_entries (
    entry_id    bigint generated always as identity primary key, -- in the order in which they were written
    account_id  uuid not null references accounts,
    credit_id   uuid not null references credits,
    from_side   text not null,
    to_side     text not null,
    amount      numeric(28, 9) not null check (amount > 0),
    invoice_id  uuid references invoices,
    reason      text not null,                            -- a person's; empty: what the sides say
    entered_at  timestamptz not null,
    entered_by  text not null,
    constraint it_goes_somewhere check ((from_side, to_side) in (
        ('payment', 'credit'), ('seller', 'credit'), ('credit', 'invoice'), ('invoice', 'credit'), ('credit', 'expired'),
        ('credit', 'payment'), ('credit', 'seller'))),
    constraint documents_draw check ((invoice_id is not null) = ('invoice' in (from_side, to_side)))
);
create trigger frozen before update or delete on credit_entries for each row execute function refuse_change();
create index credit_entries_credit on credit_entries (credit_id);
create index credit_entries_invoice on credit_entries (account_id, invoice_id) where invoice_id is not null;

-- What is left of a credit follows from its entries, in the statement that writes them: two that want the same money meet on the
-- credit's row, and the later one finds what the earlier left.
create function keep_what_remains() returns trigger language plpgsql as $$
begin
    update credits c
    set remaining = c.remaining + t.amount
    from (select credit_id, sum(case when to_side = 'credit' then amount else -amount end) as amount
          from entered group by credit_id order by credit_id) t
    where c.credit_id = t.credit_id;
    return null;
end
$$;
create trigger remains after insert on credit_entries referencing new table as entered
    for each statement execute function keep_what_remains();

-- What a credit is does not change; what is left of it follows from its entries.
create function only_what_remains() returns trigger language plpgsql as $$
begin
    -- Depth 1 is this trigger under a statement; under the one that keeps what remains it is 2.
    if tg_op = 'UPDATE' and pg_trigger_depth() > 1 and to_jsonb(new) - 'remaining' = to_jsonb(old) - 'remaining' then
        return new;
    end if;
    raise exception 'a credit does not change, it is drawn' using errcode = '23R01';
end
$$;
create trigger frozen before update or delete on credits for each row execute function only_what_remains();

-- What a document draws on credits that were paid in advance, with its sign (EN 16931 BT-113): what is due is the rest.
alter table invoices add column prepaid numeric(28, 9) not null default 0;
alter table invoices add constraint prepaid_is_a_part check (
    prepaid = 0 or (payable is not null and prepaid between least(payable, 0) and greatest(payable, 0)));

-- What a granted credit pays for stands on a line of its own, below zero like goodwill.
alter table invoice_lines drop constraint invoice_lines_kind_check;
alter table invoice_lines add constraint invoice_lines_kind_check check (
    kind in ('usage', 'reserved', 'unused', 'overage', 'recurring', 'once', 'goodwill', 'minimum', 'credit'));
alter table invoice_lines drop constraint signs_are_of_what_is_taken_back;
alter table invoice_lines add constraint signs_are_of_what_is_taken_back check (
    case when taken_back <> (kind in ('goodwill', 'credit'))
         then metered <= 0 and billed <= 0 and amount <= 0 and coalesce(discount, 0) <= 0
         else metered >= 0 and billed >= 0 and amount >= 0 and coalesce(discount, 0) >= 0 end);

-- What of a payment is set against nothing and is no credit.
create or replace function payment_left(p payments) returns numeric language sql stable as $$
    select case when p.returns is not null then 0
                else p.amount
                     + coalesce((select sum(r.amount) from payments r where r.returns = p.payment_id), 0)
                     - coalesce((select sum(s.amount) from settlements s
                                 where s.payment_id = p.payment_id
                                    or s.payment_id in (select r.payment_id from payments r where r.returns = p.payment_id)), 0)
                     - coalesce((select sum(case when e.from_side = 'payment' then e.amount else -e.amount end)
                                 from credits c join credit_entries e on e.credit_id = c.credit_id
                                 where c.payment_id = p.payment_id and 'payment' in (e.from_side, e.to_side)), 0)
           end
$$;

-- As before, of what is due instead of what is payable: what was paid in advance is settled.
create or replace function refuse_oversettled() returns trigger language plpgsql as $$
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
        or settled.amount not between least(i.payable - i.prepaid, 0) and greatest(i.payable - i.prepaid, 0);
    if found then
        raise exception '% would be settled beyond what is due', coalesce(broken, 'a document that is not issued')
            using errcode = '23R05';
    end if;
    return null;
end
$$;

do $$
declare
    t text;
begin
    foreach t in array array['credits', 'credit_entries'] loop
        execute format('alter table %I owner to releve_owner', t);
        execute format('grant select, insert on %I to releve_app', t);
        execute format('alter table %I enable row level security', t);
        execute format('create policy app_sees_all on %I to releve_app using (true) with check (true)', t);
        execute format('create policy account_sees_own on %I for select to releve_tenant using (account_id = current_account())', t);
        execute format('grant select on %I to releve_tenant', t);
    end loop;
end
$$;
-- To lock a credit before it is drawn on, and for the ledger's trigger.
grant update (remaining) on credits to releve_app;
alter function keep_what_remains() owner to releve_owner;
alter function only_what_remains() owner to releve_owner;
alter function payment_left(payments) owner to releve_owner;
alter function refuse_oversettled() owner to releve_owner;
