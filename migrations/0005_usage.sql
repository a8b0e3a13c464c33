-- What was used: the rollups that portal, alert, invoice and export all come from.

-- The periods of each account, and the book that usage goes into now. Issuing closes the open book and opens
-- the next; `open_book` is updated in place, under an advisory lock that every writer of usage shares.
create table periods (
    account_id  uuid not null references accounts,
    period_start timestamptz not null,
    period_end  timestamptz not null,
    open_book   int not null default 1 check (open_book >= 1),
    primary key (account_id, period_start),
    constraint periods_are_whole_hours check (
        date_trunc('hour', period_start, 'UTC') = period_start and
        date_trunc('hour', period_end, 'UTC') = period_end and period_start < period_end)
);

-- What each allocation held of each device in an hour, as ms of that hour. The state of an hour up to book b
-- is ((held1 - taken_back1) + held2 - taken_back2 ...). Key starts with the tenant, as all tenant data does.
create table allocation_hours (
    tenant_id   uuid not null,
    hour        timestamptz not null,
    book        int not null,
    allocation_id uuid not null,
    node_id     uuid not null,
    device_id   uuid not null,
    sku_id      int not null,
    project     text not null,
    held        int4multirange not null,
    taken_back  int4multirange not null default '{}',
    energy_mj   bigint not null default 0,
    primary key (tenant_id, hour, book, allocation_id, node_id, device_id, sku_id, project)
) partition by range (hour);

-- The same, summed: what plain rating, the portal and alerts read. Signed: a later book may take away.
create table usage_hours (
    tenant_id   uuid not null,
    hour        timestamptz not null,
    book        int not null,
    project     text not null,
    sku_id      int not null,
    ms          bigint not null,
    energy_mj   bigint not null default 0,
    primary key (tenant_id, hour, book, project, sku_id)
) partition by range (hour);

-- Every other metered quantity, in integers of its unit.
create table meter_hours (
    tenant_id   uuid not null,
    hour        timestamptz not null,
    book        int not null,
    project     text not null,
    sku_id      int not null,
    quantity    bigint not null,
    primary key (tenant_id, hour, book, project, sku_id)
) partition by range (hour);

-- What an allocation is called. Names, users and labels are personal and decide no money: they may be erased.
create table allocations (
    tenant_id   uuid not null,
    allocation_id uuid not null,
    tenant_key  text not null,
    alloc       text not null,
    first_seen  timestamptz not null,
    name        text,
    username    text,
    labels      jsonb not null default '{}',
    primary key (tenant_id, allocation_id)
);

-- Usage that a person moved, and from where to where: append-only, replayed after the reports by a rebuild.
create table adjustments (
    adjustment_id uuid not null,
    line        int not null,
    kind        text not null check (kind in ('reattribution', 'amendment', 'withdrawal', 'tenure_move')),
    tenant_id   uuid not null,
    hour        timestamptz not null,
    book        int not null,
    project     text not null,
    sku_id      int not null,
    allocation_id uuid,                              -- null: a reading's hour
    node_id     uuid,
    device_id   uuid,
    held        int4multirange not null default '{}',
    taken_back  int4multirange not null default '{}',
    energy_mj   bigint not null default 0,
    quantity    bigint not null default 0,
    created_at  timestamptz not null,
    created_by  text not null,
    primary key (adjustment_id, line)
);
create trigger frozen before update or delete on adjustments for each row execute function refuse_change();

-- Whose usage changed, and when: alerts look here.
create table spend_marks (
    tenant_id   uuid primary key,
    changed_at  timestamptz not null
) with (fillfactor = 50);

-- A closed book does not change. The programs never try; this is the second wall.
create function refuse_closed_book() returns trigger language plpgsql as $$
begin
    if exists (
        select from touched u
        join tenants t on t.tenant_id = u.tenant_id
        join periods p on p.account_id = t.account_id and p.period_start <= u.hour and u.hour < p.period_end
        where u.book < p.open_book
    ) then
        raise exception 'a closed book of % does not change', tg_table_name using errcode = '23R02';
    end if;
    return null;
end
$$;
create trigger closed_book_insert after insert on allocation_hours referencing new table as touched
    for each statement execute function refuse_closed_book();
create trigger closed_book_update after update on allocation_hours referencing old table as touched
    for each statement execute function refuse_closed_book();
create trigger closed_book_delete after delete on allocation_hours referencing old table as touched
    for each statement execute function refuse_closed_book();
create trigger closed_book_insert after insert on usage_hours referencing new table as touched
    for each statement execute function refuse_closed_book();
create trigger closed_book_update after update on usage_hours referencing old table as touched
    for each statement execute function refuse_closed_book();
create trigger closed_book_delete after delete on usage_hours referencing old table as touched
    for each statement execute function refuse_closed_book();
create trigger closed_book_insert after insert on meter_hours referencing new table as touched
    for each statement execute function refuse_closed_book();
create trigger closed_book_update after update on meter_hours referencing old table as touched
    for each statement execute function refuse_closed_book();
create trigger closed_book_delete after delete on meter_hours referencing old table as touched
    for each statement execute function refuse_closed_book();

-- Whose usage stands under a key: what a rule that appears, or reaches back, has to move.
create index allocations_by_key on allocations (tenant_key);
