-- Which VAT an invoice bears, and who has to be known for it (Directive 2006/112/EC, EN 16931, C. com. L441-9).

-- The seller, as far as invoices and their taxes ask. Empty is not known, and what is needed and not known parks invoices.
alter table issuers
    add column city text not null default '',
    add column postcode text not null default '',
    add column legal_id text not null default '',       -- the company's number in its register: in France, the SIREN
    add column legal_mentions text not null default '', -- legal form, capital, register: printed as it stands
    add column email text not null default '',
    add column vat_scheme text not null default ''
        check (vat_scheme in ('', 'registered', 'small_enterprise', 'not_taxable')),
    add column vat_on_debits boolean not null default false, -- France: VAT due when invoiced, not when paid
    add column iban text not null default '',
    add column bic text not null default '',
    add column late_penalty text not null default '';   -- what is owed on late payment, in words; empty: what the law sets

-- The customer, likewise.
alter table accounts
    add column city text not null default '',
    add column postcode text not null default '',
    add column legal_id text not null default '',
    add column email text not null default '',
    add column customer_kind text not null default '' check (customer_kind in ('', 'business', 'consumer')),
    add column buyer_reference text not null default ''; -- what the customer wants to read on its invoices (EN 16931 BT-10)

-- Rates of VAT that a seller charges: those of its own country, and of each country in whose register, or in the one-stop
-- shop for which, it is registered. Dated as prices are, from an hour on until the next of the same country and class.
create table vat_rates (
    issuer_id   uuid not null references issuers,
    country     text not null check (country ~ '^[A-Z]{2}$'),
    class       text not null check (class in ('standard', 'reduced')),
    from_at     timestamptz not null check (date_trunc('hour', from_at, 'UTC') = from_at),
    percent     numeric(5, 2) not null check (percent between 0 and 100),
    created_at  timestamptz not null,
    created_by  text not null,
    primary key (issuer_id, country, class, from_at)
);
create trigger frozen before update or delete on vat_rates for each row execute function refuse_change();

-- How each line is taxed, and what that comes to: once for each ground and rate, on the sum of its lines' amounts. What
-- was issued before taxes were computed bears none; its documents, which say so, stay as they are.
alter table invoice_lines
    add column vat_ground text not null default 'not_taxable',
    add column vat_rate numeric(5, 2) not null default 0;
alter table invoice_lines alter column vat_ground drop default, alter column vat_rate drop default;
create table invoice_taxes (
    account_id  uuid not null,
    invoice_id  uuid not null,                          -- asked once a statement, as of lines
    ground      text not null,
    rate        numeric(5, 2) not null,
    base        numeric(28, 9) not null,
    tax         numeric(28, 9) not null,
    primary key (account_id, invoice_id, ground, rate)
);
insert into invoice_taxes (account_id, invoice_id, ground, rate, base, tax)
select account_id, invoice_id, 'not_taxable', 0, total, 0 from invoices where state = 'issued';
create trigger frozen before update or delete on invoice_taxes for each row execute function refuse_issued_lines();
create trigger no_late_lines after insert on invoice_taxes referencing new table as touched
    for each statement execute function refuse_late_lines();
-- What the customer owes, VAT included. Null where nobody can say yet.
alter table invoices add column payable numeric(28, 9);
alter table invoices disable trigger frozen;
update invoices set payable = total where state = 'issued';
alter table invoices enable trigger frozen;
alter table invoices add constraint issued_says_what_is_owed check (state <> 'issued' or payable is not null);

-- Who stands on a document, in the words of `invoices.parties`.
create function issuer_as_party(i issuers) returns jsonb language sql immutable as $$
    select jsonb_build_object(
        'name', i.name, 'address', i.address, 'postcode', i.postcode, 'city', i.city, 'country', i.country,
        'vat_id', i.vat_id, 'legal_id', i.legal_id, 'email', i.email, 'legal_mentions', i.legal_mentions,
        'vat_scheme', i.vat_scheme, 'vat_on_debits', i.vat_on_debits, 'iban', i.iban, 'bic', i.bic,
        'late_penalty', i.late_penalty)
$$;
create function account_as_party(a accounts) returns jsonb language sql immutable as $$
    select jsonb_build_object(
        'name', a.name, 'address', a.address, 'postcode', a.postcode, 'city', a.city, 'country', a.country,
        'vat_id', a.vat_id, 'legal_id', a.legal_id, 'email', a.email, 'customer_kind', a.customer_kind,
        'buyer_reference', a.buyer_reference)
$$;

alter table vat_rates owner to releve_owner;
alter table invoice_taxes owner to releve_owner;
alter function issuer_as_party(issuers) owner to releve_owner;
alter function account_as_party(accounts) owner to releve_owner;
grant select, insert on vat_rates to releve_app;
grant select, insert, update, delete on invoice_taxes to releve_app;
alter table invoice_taxes enable row level security;
create policy app_sees_all on invoice_taxes to releve_app using (true) with check (true);
create policy account_sees_own on invoice_taxes for select to releve_tenant using (account_id = current_account());
grant select on invoice_taxes to releve_tenant;
