-- Which nodes said everything of a few days? Days are never updated, so that what nodes say of the day goes on to be heap-only.
create index node_coverage_by_day on node_coverage (day);
