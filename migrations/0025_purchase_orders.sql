-- What a customer ordered in advance: its invoices name the order (EN 16931 BT-13), and draw on it as far as it goes.

create table purchase_orders (
    purchase_order_id uuid primary key,
    account_id  uuid not null references accounts,
    number      text not null check (number <> ''),       -- the customer's own
    amount      numeric(28, 9) check (amount > 0),        -- without VAT; null: as much as there is
    currency    text not null,
    from_at     timestamptz not null check (date_trunc('hour', from_at, 'UTC') = from_at),
    until_at    timestamptz check (date_trunc('hour', until_at, 'UTC') = until_at), -- null: until it is ended
    created_at  timestamptz not null,
    created_by  text not null,
    unique (account_id, number),
    constraint orders_end_after_they_start check (until_at > from_at)
);
create trigger frozen before update or delete on purchase_orders for each row execute function only_ends_sooner();

-- The customer takes no invoice without an order that it fits.
alter table accounts add column purchase_order_required boolean not null default false;

-- The order that a document names; what of an order is left follows from them.
alter table invoices
    add column purchase_order_id uuid references purchase_orders,
    add column purchase_order text,
    add constraint an_order_has_its_number check ((purchase_order_id is null) = (purchase_order is null));
create index invoices_purchase_order on invoices (account_id, purchase_order_id) where purchase_order_id is not null;

alter table purchase_orders owner to releve_owner;
grant select, insert on purchase_orders to releve_app;
grant update (until_at) on purchase_orders to releve_app;
alter table purchase_orders enable row level security;
create policy app_sees_all on purchase_orders to releve_app using (true) with check (true);
create policy account_sees_own on purchase_orders for select to releve_tenant using (account_id = current_account());
grant select on purchase_orders to releve_tenant;
