-- Web pages are read with credentials of the API that end by themselves: a session, and the link that starts one.
--
-- They are rows of api_keys, so that one wall, one lookup and one end hold for whatever opens the API. What lists keys
-- lists those of kind 'key' only.
alter table api_keys
    add column kind text not null default 'key' check (kind in ('key', 'link', 'session')),
    -- The key that it came from, of a session that a link started the one that made the link: with that key, it ends.
    add column made_by uuid references api_keys,
    add constraint made_by_a_key check ((kind = 'key') = (made_by is null)),
    -- What a browser keeps has an end that nobody has to think of.
    add constraint ends_by_itself check (kind = 'key' or expires_at is not null);

-- Revoking a key looks for what came from it.
create index api_keys_made_by on api_keys (made_by) where made_by is not null;
