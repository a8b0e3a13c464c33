-- What left for the customer, where it went, and what came back about it.

-- An issued document whose files were put where a platform, or the customer, takes them from. Once, and for good.
create table hand_overs (
    account_id  uuid not null references accounts,
    invoice_id  uuid not null references invoices,
    destination text not null check (destination <> ''),
    manifest_sha256 bytea not null check (length(manifest_sha256) = 32),
    handed_over_at timestamptz not null,
    primary key (account_id, invoice_id)
);
create trigger frozen before update or delete on hand_overs for each row execute function refuse_change();

-- Those that could not be handed over yet, why, and when it is tried again. Gone once they are.
create table hand_over_failures (
    account_id  uuid not null references accounts,
    invoice_id  uuid not null references invoices,
    attempts    int not null check (attempts >= 1),
    detail      text not null,
    failed_at   timestamptz not null,
    next_at     timestamptz not null check (next_at > failed_at),
    primary key (account_id, invoice_id)
);

-- What was told of a document since, in the words of France's platforms. reference: what the message is known by, so that
-- told again it is known. What it means for the document is derived, from the latest by when it happened.
create table invoice_statuses (
    invoice_status_id uuid primary key,
    account_id  uuid not null references accounts,
    invoice_id  uuid not null references invoices,
    status      text not null check (status in ('submitted', 'rejected', 'refused', 'cashed')),
    happened_at timestamptz not null,
    reference   text not null check (reference <> ''),
    reason      text not null,
    recorded_at timestamptz not null,
    recorded_by text not null,
    unique (account_id, invoice_id, reference)
);
create trigger frozen before update or delete on invoice_statuses for each row execute function refuse_change();

do $$
declare
    name text;
begin
    foreach name in array array['hand_overs', 'hand_over_failures', 'invoice_statuses'] loop
        execute format('alter table %I owner to releve_owner', name);
        execute format('grant select, insert on %I to releve_app', name);
        execute format('alter table %I enable row level security', name);
        execute format('create policy app_sees_all on %I to releve_app using (true) with check (true)', name);
        execute format('create policy account_sees_own on %I for select to releve_tenant using (account_id = current_account())', name);
        execute format('grant select on %I to releve_tenant', name);
    end loop;
    grant update, delete on hand_over_failures to releve_app;
end
$$;
