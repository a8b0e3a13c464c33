-- What stays as it was: whom an invoice names, numbers that were given out, books that were closed; and whose prices
-- a tenant sees.

-- Who stands on an issued invoice, as they were named when it was issued: {"issuer": {name, address, country, vat_id},
-- "account": {the same}, "tenants": {<tenant id>: name}}. Documents are rendered from it, after the commit and perhaps
-- again, so an account that changes its address meanwhile changes no document. Written with the number; frozen with it.
alter table invoices add column parties jsonb;
-- Those issued before this column are given today's names, which is what they would be rendered with now.
alter table invoices disable trigger frozen;
update invoices i
set parties = jsonb_build_object(
    'issuer', (select jsonb_build_object('name', s.name, 'address', s.address, 'country', s.country, 'vat_id', s.vat_id)
               from issuers s where s.issuer_id = i.issuer_id),
    'account', (select jsonb_build_object('name', a.name, 'address', a.address, 'country', a.country, 'vat_id', a.vat_id)
                from accounts a where a.account_id = i.account_id),
    'tenants', (select coalesce(jsonb_object_agg(t.tenant_id, t.name), '{}')
                from tenants t where t.account_id = i.account_id))
where i.state = 'issued';
alter table invoices enable trigger frozen;
alter table invoices add constraint issued_names_its_parties check (state <> 'issued' or parties is not null);

-- A line is as frozen as the invoice it is taken from, and as the one that it is moved to.
create or replace function refuse_issued_lines() returns trigger language plpgsql as $$
begin
    if exists (select from invoices i where i.invoice_id in (old.invoice_id, new.invoice_id) and i.state = 'issued') then
        raise exception 'lines of an issued invoice do not change' using errcode = '23R03';
    end if;
    return case tg_op when 'DELETE' then old else new end;
end
$$;

-- A number that was given out is not given out again, and dates rise with numbers.
create function refuse_to_fall_back() returns trigger language plpgsql as $$
begin
    if (new.issuer_id, new.series, new.year) is distinct from (old.issuer_id, old.series, old.year)
       or new.last_serial < old.last_serial or new.last_issued_at < old.last_issued_at then
        raise exception 'the series %-% does not go back from %', old.series, old.year, old.last_serial
            using errcode = '23R06';
    end if;
    return new;
end
$$;
create trigger only_rises before update on number_series for each row execute function refuse_to_fall_back();

-- A book that was closed is not opened again, and its period stays where it is.
create function refuse_to_reopen() returns trigger language plpgsql as $$
begin
    if (new.account_id, new.period_start, new.period_end) is distinct from
       (old.account_id, old.period_start, old.period_end) or new.open_book < old.open_book then
        raise exception 'book % of % is the open one: none before it opens again', old.open_book, old.account_id
            using errcode = '23R06';
    end if;
    return new;
end
$$;
create trigger only_rises before update on periods for each row execute function refuse_to_reopen();

-- Answers to repeated requests are forgotten by age.
create index idempotency_keys_by_age on idempotency_keys (created_at);

-- Prices are between a seller and a customer: a tenant sees its own seller, the price books of its account's contracts,
-- and what stands in them. The subqueries are read as the tenant too, so they see its own account and contracts only.
do $$
declare
    t text;
begin
    foreach t in array array['issuers', 'price_books', 'prices'] loop
        execute format('alter table %I enable row level security', t);
        execute format('create policy app_sees_all on %I to releve_app using (true) with check (true)', t);
    end loop;
end
$$;
create policy tenant_sees_its_seller on issuers for select to releve_tenant
    using (issuer_id in (select a.issuer_id from accounts a where a.account_id = current_account()));
create policy account_sees_its_books on price_books for select to releve_tenant
    using (price_book_id in (select c.price_book_id from contracts c where c.account_id = current_account()));
create policy account_sees_its_prices on prices for select to releve_tenant
    using (price_book_id in (select c.price_book_id from contracts c where c.account_id = current_account()));
