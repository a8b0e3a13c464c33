-- VAT that is owed in one currency on an invoice in another is stated in the former too (Directive 2006/112/EC, Art. 230), at the
-- rate of the day on which it became chargeable (Art. 91(2)).

-- What a currency cost in another on a day: 1 base = rate quote, as who published it wrote it. Told again for a day, the later row
-- counts; the earlier stays, since documents name it.
create table exchange_rates (
    exchange_rate_id uuid primary key,
    base        text not null,
    quote       text not null,
    day         date not null,
    rate        numeric(16, 8) not null check (rate > 0),
    source      text not null check (source <> ''),
    created_at  timestamptz not null,
    created_by  text not null,
    constraint a_rate_is_between_two check (base <> quote)
);
create index exchange_rates_of on exchange_rates (base, quote, day);
create trigger frozen before update or delete on exchange_rates for each row execute function refuse_change();

-- The VAT of a document in the currency of where it is owed, and the rate by which it is.
create table invoice_stated_taxes (
    account_id  uuid not null,
    invoice_id  uuid not null,                          -- asked once a statement, as of lines
    tax         numeric(28, 9) not null,
    exchange_rate_id uuid not null references exchange_rates,
    primary key (account_id, invoice_id)
);
create trigger frozen before update or delete on invoice_stated_taxes for each row execute function refuse_issued_lines();
create trigger no_late_lines after insert on invoice_stated_taxes referencing new table as touched
    for each statement execute function refuse_late_lines();

alter table exchange_rates owner to releve_owner;
alter table invoice_stated_taxes owner to releve_owner;
grant select, insert on exchange_rates to releve_app;
grant select, insert, update, delete on invoice_stated_taxes to releve_app;
alter table invoice_stated_taxes enable row level security;
create policy app_sees_all on invoice_stated_taxes to releve_app using (true) with check (true);
create policy account_sees_own on invoice_stated_taxes for select to releve_tenant using (account_id = current_account());
grant select on invoice_stated_taxes to releve_tenant;
