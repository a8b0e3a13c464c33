-- How a seller's documents look: its colour and its logo.

-- A row never changes: an issued document names the one that it was drawn with, so that it is drawn the same again.
create table brands (
    brand_id    uuid primary key,
    issuer_id   uuid not null references issuers,
    accent      text not null check (accent ~ '^(#[0-9a-f]{6})?$'), -- empty: as documents come
    logo        bytea,                                              -- PNG
    created_at  timestamptz not null,
    created_by  text not null
);
create index brands_issuer on brands (issuer_id);
create trigger frozen before update or delete on brands for each row execute function refuse_change();
alter table brands owner to releve_owner;
grant select, insert on brands to releve_app;

-- The one that the next documents are drawn with.
alter table issuers add column brand_id uuid references brands;

create or replace function issuer_as_party(i issuers) returns jsonb language sql immutable as $$
    select jsonb_build_object(
        'name', i.name, 'address', i.address, 'postcode', i.postcode, 'city', i.city, 'country', i.country,
        'vat_id', i.vat_id, 'legal_id', i.legal_id, 'email', i.email, 'legal_mentions', i.legal_mentions,
        'vat_scheme', i.vat_scheme, 'vat_on_debits', i.vat_on_debits, 'iban', i.iban, 'bic', i.bic,
        'late_penalty', i.late_penalty, 'brand', i.brand_id)
$$;
