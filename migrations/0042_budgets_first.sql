-- Accounts wait in one queue for two reasons: a budget whose usage changed, which somebody wants to know of within seconds, and what is
-- judged once an hour. The second must not hold up the first.
alter table budgets_due add column hourly boolean not null default false;
create index budgets_due_next on budgets_due (hourly, due_at);
