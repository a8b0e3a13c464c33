-- What an account agreed to beside its price books: discounts, reservations, fees and minimum spends.

create table agreements (
    agreement_id uuid primary key,
    account_id  uuid not null references accounts,
    kind        text not null
        check (kind in ('discount', 'reservation', 'recurring', 'once', 'goodwill', 'minimum')),
    description text not null check (description <> ''),  -- what its line says, and why less is owed
    from_at     timestamptz not null check (date_trunc('hour', from_at, 'UTC') = from_at),
    until_at    timestamptz check (date_trunc('hour', until_at, 'UTC') = until_at), -- null: until it is ended
    percent     numeric(5, 2) check (percent > 0 and percent <= 100),
    scope       text check (scope in ('all', 'sku', 'project')), -- what a discount is on
    sku         text,                                     -- of a discount on one, of what is reserved, or the fee's
    tenant_id   uuid references tenants,                  -- of a discount for a project
    project     text,
    devices     int check (devices between 1 and 1000000),
    matching    text check (matching in ('hour', 'instant')),
    price       numeric(28, 9) check (price >= 0),        -- per device and hour, per month, or once
    overage     numeric(28, 9) check (overage >= 0),      -- per device and hour above what is reserved
    vat_class   text check (vat_class in ('standard', 'reduced')),
    created_at  timestamptz not null,
    created_by  text not null,
    constraint agreements_end_after_they_start check (until_at > from_at),
    -- Each kind has its own terms, and no other's.
    constraint a_discount_has_its_terms check (
        (kind = 'discount') = (percent is not null) and (kind = 'discount') = (scope is not null)),
    constraint a_scope_names_what_it_is_on check (
        (coalesce(scope, '') = 'project') = (tenant_id is not null and project is not null)),
    constraint a_reservation_has_its_terms check (
        (kind = 'reservation') = (devices is not null) and (kind = 'reservation') = (matching is not null)
        and (kind = 'reservation' or overage is null)),
    constraint what_is_owed_has_a_price check ((kind = 'discount') = (price is null)),
    constraint what_is_sold_has_a_sku check (
        (sku is not null) = (kind in ('reservation', 'recurring', 'once', 'goodwill') or coalesce(scope, '') = 'sku')),
    constraint a_fee_has_a_vat_class check ((kind in ('recurring', 'once', 'goodwill')) = (vat_class is not null))
);
-- All of an account's are read whenever it is billed.
create index agreements_account on agreements (account_id);

-- What was agreed does not change; it may be ended, sooner than it would have.
create function only_ends_sooner() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and new.until_at is not null and (old.until_at is null or new.until_at < old.until_at)
        and to_jsonb(new) - 'until_at' = to_jsonb(old) - 'until_at'
    then
        return new;
    end if;
    raise exception 'an agreement does not change, it only ends' using errcode = '23R01';
end
$$;
create trigger frozen before update or delete on agreements for each row execute function only_ends_sooner();

-- Hours of readiness: what a fee by the month is counted in.
alter table skus drop constraint skus_unit_check;
alter table skus add constraint skus_unit_check
    check (unit in ('gpu_ms', 'gib_second', 'byte', 'token', 'count', 'hour'));

-- Which of a country's VAT rates is charged on what is sold.
alter table prices add column vat_class text not null default 'standard' check (vat_class in ('standard', 'reduced'));
alter table prices alter column vat_class drop default;

-- A line is of usage at a price book's price, or of an agreement: `price_id` is the one's id or the other's. What the account owes as a
-- whole is no tenant's. Amounts are after the discount, which stands beside them.
alter table invoice_lines
    alter column tenant_id drop not null,
    add column kind text not null default 'usage' check (
        kind in ('usage', 'reserved', 'unused', 'overage', 'recurring', 'once', 'goodwill', 'minimum')),
    add column vat_class text not null default 'standard' check (vat_class in ('standard', 'reduced')),
    add column discount_agreement_id uuid,
    add column discount_percent numeric(5, 2),
    add column discount numeric(28, 9),
    add constraint a_discount_is_whole check (
        (discount_agreement_id is null) = (discount is null) and (discount_percent is null) = (discount is null)),
    add constraint usage_is_a_tenants check (tenant_id is not null or kind not in ('usage', 'reserved', 'overage'));
alter table invoice_lines alter column kind drop default, alter column vat_class drop default;

-- What is taken back is negative, and so is what is given out of goodwill; a goodwill taken back is neither.
alter table invoice_lines drop constraint signs_are_of_what_is_taken_back;
alter table invoice_lines add constraint signs_are_of_what_is_taken_back check (
    case when taken_back <> (kind = 'goodwill') then metered <= 0 and billed <= 0 and amount <= 0 and coalesce(discount, 0) <= 0
         else metered >= 0 and billed >= 0 and amount >= 0 and coalesce(discount, 0) >= 0 end);
-- One that would give back more than is owed waits for a person.
alter table invoices drop constraint less_than_nothing_corrects;
alter table invoices add constraint less_than_nothing_corrects check (total >= 0 or corrects <> '[]' or state = 'parked');

alter table agreements owner to releve_owner;
alter function only_ends_sooner() owner to releve_owner;
grant select, insert on agreements to releve_app;
grant update (until_at) on agreements to releve_app;
alter table agreements enable row level security;
create policy app_sees_all on agreements to releve_app using (true) with check (true);
create policy account_sees_own on agreements for select to releve_tenant using (account_id = current_account());
grant select on agreements to releve_tenant;
