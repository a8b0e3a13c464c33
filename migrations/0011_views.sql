-- What several queries have to agree on, said once. Both are read with the rights of whoever reads them.

-- When a node was expected to report: its dated states, of several from one hour the last written, each until the next.
-- No end: until further notice.
create view node_service with (security_invoker = true) as
select node_id, from_at, to_at
from (select node_id, from_at, state, lead(from_at) over (partition by node_id order by from_at) as to_at
      from (select distinct on (node_id, from_at) node_id, from_at, state
            from node_states order by node_id, from_at, version desc) latest) steps
where state = 'in_service';

-- Periods whose first book is still open and that hold usage: nobody was billed for it.
create view unbilled_usage_periods with (security_invoker = true) as
select p.account_id, p.period_start, p.period_end
from periods p
where p.open_book = 1
  and exists (select from tenants t
              join usage_hours u on u.tenant_id = t.tenant_id and u.hour >= p.period_start and u.hour < p.period_end
              where t.account_id = p.account_id
              group by u.tenant_id, u.sku_id
              having sum(u.ms) <> 0);

alter view node_service owner to releve_owner;
alter view unbilled_usage_periods owner to releve_owner;
grant select on node_service, unbilled_usage_periods to releve_app;
