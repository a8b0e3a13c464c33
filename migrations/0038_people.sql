-- People: who signs in with an identity provider, and what each of them is to whom.

-- The one place of personal data. Whatever was done is kept under the opaque id; erasing a person empties the row.
create table users (
    user_id    uuid primary key,
    issuer     text,                            -- of the identity provider
    subject    text,                            -- what the provider calls the person; null: invited, never signed in
    email      text,
    name       text,
    created_at timestamptz not null,
    last_login_at timestamptz,
    erased_at  timestamptz,
    constraint a_subject_is_of_an_issuer check ((issuer is null) = (subject is null)),
    constraint somebody_is_known_somehow check (erased_at is not null or subject is not null or email is not null),
    constraint erased_is_erased check (erased_at is null or (subject is null and email is null and name is null))
);
create unique index users_subject on users (issuer, subject);
-- Whom an invitation is for is known by the address alone, until they come.
create unique index users_invited on users (lower(email)) where subject is null;

-- What a person is to a tenant, or to the operator. Given by hand, or by what the provider says of a person at each login.
create table memberships (
    membership_id uuid primary key,
    user_id    uuid not null references users,
    tenant_id  uuid references tenants,         -- null: the operator
    role       text not null check (role in ('viewer', 'billing', 'admin')),
    source     text not null check (source in ('assigned', 'claim')),
    until_at   timestamptz,                     -- null: until it is removed
    created_at timestamptz not null,
    created_by text not null,
    removed_at timestamptz
);
create unique index memberships_once on memberships (user_id, tenant_id, source) nulls not distinct where removed_at is null;
create index memberships_tenant on memberships (tenant_id, membership_id);

-- A session is of a key, as before, or of a person in one of their memberships, with which it ends.
alter table api_keys
    drop constraint made_by_a_key,
    add column user_id uuid references users,
    add column membership_id uuid references memberships,
    add constraint of_a_key_or_a_person check (
        case kind when 'key' then made_by is null and user_id is null
                  when 'link' then made_by is not null and user_id is null
                  else (made_by is null) <> (user_id is null) end),
    add constraint a_person_comes_as_something check ((user_id is null) = (membership_id is null));
create index api_keys_membership on api_keys (membership_id) where membership_id is not null;
-- Forgetting what ended looks for it.
create index api_keys_ended on api_keys (expires_at) where kind <> 'key';

-- Logins under way: what the provider's answer is held against. Each is taken once, by the browser that began it.
create table logins (
    state_sha256   bytea primary key check (length(state_sha256) = 32),   -- of what the provider hands back
    browser_sha256 bytea not null check (length(browser_sha256) = 32),    -- of what the browser's cookie holds
    nonce      text not null,                   -- stands in the ID token
    verifier   text not null,                   -- PKCE (RFC 7636)
    expires_at timestamptz not null
);

-- Somebody whom the provider named, before they chose as what they come.
create table login_choices (
    choice_sha256 bytea primary key check (length(choice_sha256) = 32),
    user_id    uuid not null references users,
    expires_at timestamptz not null
);

-- What one operator asked for and another one has to approve: credits above what the seller's settings let one person give. It
-- holds the request as it came; nothing of it is in force before the second word.
create table proposals (
    proposal_id uuid primary key,
    kind        text not null check (kind in ('credit')),
    account_id  uuid not null references accounts,
    request     jsonb not null,
    amount      numeric(28, 9) not null,            -- what it came to when it was asked for, for whoever decides
    currency    text not null,
    proposed_at timestamptz not null,
    proposed_by text not null,
    -- Under which ids the proposer acts, and from whom those come: none of them may approve.
    own         text[] not null check (cardinality(own) > 0),
    line        text[] not null,
    roots       text[] not null,
    expires_at  timestamptz not null,
    decided_at  timestamptz,
    decided_by  text,
    decision    text check (decision in ('approved', 'refused')),
    reason      text,
    result      text,                               -- the id of what was made
    constraint decided_wholly check ((decided_at is null) = (decision is null) and (decided_at is null) = (decided_by is null)),
    constraint refused_for_a_reason check (decision is distinct from 'refused' or reason <> ''),
    constraint approved_made_something check ((decision is not distinct from 'approved') = (result is not null))
);
create index proposals_open on proposals (proposal_id) where decided_at is null;

-- With what a key was made: another key or a person. Null: by setting up, or before this was noted.
alter table api_keys
    add column minted_by uuid references api_keys,
    add column minted_by_user uuid references users;
create index api_keys_minted_by on api_keys (minted_by) where minted_by is not null;

alter table proposals owner to releve_owner;
grant select, insert on proposals to releve_app;
grant update (decided_at, decided_by, decision, reason, result) on proposals to releve_app;

do $$
declare name text;
begin
    foreach name in array array['users', 'memberships', 'logins', 'login_choices'] loop
        execute format('alter table %I owner to releve_owner', name);
        execute format('grant select, insert on %I to releve_app', name);
    end loop;
end
$$;
grant update on users, memberships to releve_app;
grant delete on logins, login_choices to releve_app;
