-- Two more ways for a price to grow with the quantity.

-- volume: all units of the period cost what the tier says that the account's total comes to. Its tiers read as
-- graduated ones do: in ascending order, the last without an end.
-- package: each package that the account begins costs the same. Its size is where its one tier ends, in base units:
-- [{"up_to": 10000000, "price": "4.00"}]. So there is one place for what a price is made of, and the digests of
-- invoices name the size as they name any tier.
alter table prices drop constraint prices_model_check;
alter table prices add constraint prices_model_check
    check (model in ('per_unit', 'graduated', 'volume', 'package'));

-- A package without a size, or that a plan rounds as well, could not be rated: what reads such a row would stop an
-- account's invoices, so it is not written. (`is true`: a check lets pass what is null.)
alter table prices add constraint a_package_has_a_size_and_no_plan
    check (case model
        when 'package' then (jsonb_array_length(tiers) = 1 and (tiers -> 0 ->> 'up_to')::bigint >= 1
                             and rounding = 'exact') is true
        else true
    end);
