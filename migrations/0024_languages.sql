-- In which language an account reads its documents. What is issued keeps the one that it was issued in.
alter table accounts add column language text not null default 'en' check (language in ('en', 'fr'));

create or replace function account_as_party(a accounts) returns jsonb language sql immutable as $$
    select jsonb_build_object(
        'name', a.name, 'address', a.address, 'postcode', a.postcode, 'city', a.city, 'country', a.country,
        'vat_id', a.vat_id, 'legal_id', a.legal_id, 'email', a.email, 'customer_kind', a.customer_kind,
        'buyer_reference', a.buyer_reference, 'language', a.language)
$$;
alter function account_as_party(accounts) owner to releve_owner;
