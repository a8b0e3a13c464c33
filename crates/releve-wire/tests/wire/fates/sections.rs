//! What becomes of a report whose sections are bad, though vouched for, or can't all be true?

use expect_test::expect;
use releve_types::{Ranges, sku::Share};
use releve_wire::{Basis, Segment};

use super::{
    Spoil::{self, *},
    check,
};
use crate::sample::{WINDOW_MS, four_tenants, gpu, held, idle, mig_and_time_slicing, section, slice};

const THE_SECTIONS: &[(&str, Spoil)] = &[
    ("a key twice", Segments("\"spot\":false", "\"spot\":false,\"spot\":false")),
    ("no salt", Segments("\"salt\":", "\"pepper\":")),
    ("a short salt", Segments("\"salt\":\"01", "\"salt\":\"")),
    ("no tenant key", Segments("\"tenant_key\":", "\"tenant\":")),
    ("an empty tenant key", Segments("k8s:prod/team-1", "")),
    ("a tenant key without namespace", Segments("k8s:prod/team-1", "k8s:prod")),
    ("a tenant key of a newer kind", Segments("k8s:prod/team-1", "openstack:prod/team-1")),
    ("a tenant key with a control character", Segments("k8s:prod/team-1", "k8s:prod/team\\u0000")),
    ("a tenant key not in NFC", Segments("k8s:prod/team-1", "k8s:prod/te\u{301}am")),
    ("an unknown field", Segments("\"spot\":false", "\"spot\":false,\"tier\":\"gold\"")),
    ("an unknown basis", Segments("\"observed\"", "\"guessed\"")),
    ("an unknown field, and a malformed one", Segments("\"spot\":false", "\"spot\":0,\"tier\":\"gold\"")),
    ("no spot", Segments("\"spot\":false,", "")),
    ("an empty allocation", Segments("\"alloc\":\"5c7f2f6e-90b1-4b52-9d6e-000000000001\"", "\"alloc\":\"\"")),
    ("a project with a control character", Segments("\"training\"", "\"train\\ting\"")),
    ("a project not in NFC", Segments("\"training\"", "\"e\u{301}tude\"")),
    ("a project that is empty", Segments("\"training\"", "\"\"")),
    ("a project of 257 bytes", Report(|r| r.sections[0].segments[0].project = Some("x".repeat(257)))),
    ("a project of 256 bytes", Report(|r| r.sections[0].segments[0].project = Some("x".repeat(256)))),
    ("a blank energy counter", Segments("\"energy_mj\":39000000", "\"energy_mj\":9223372036854775794")),
    ("a start that is a float", Segments("\"start_ms\":0", "\"start_ms\":0.5")),
    ("a start before the window", Segments("\"start_ms\":0", "\"start_ms\":-1")),
    ("an end after the window", Segments("\"end_ms\":60000", "\"end_ms\":60001")),
    ("an end before the start", Segments("\"start_ms\":0,\"end_ms\":60000", "\"start_ms\":9,\"end_ms\":8")),
    ("zero length", Segments("\"start_ms\":0,\"end_ms\":60000", "\"start_ms\":9,\"end_ms\":9")),
    (
        "a device that is not listed",
        Segments("GPU-a0000000-0000-4000-8000-000000000001", "GPU-a0000000-0000-4000-8000-000000000009"),
    ),
    ("a device by index", Segments("GPU-a0000000-0000-4000-8000-000000000001", "0")),
    ("a replica", Segments("GPU-a0000000-0000-4000-8000-000000000001", "GPU-a0000000-0000-4000-8000-000000000001::0")),
    ("half of a share", Segments("\"spot\":false", "\"spot\":false,\"share_num\":1")),
    ("the other half", Segments("\"spot\":false", "\"spot\":false,\"share_den\":4")),
    ("a share of nothing", Segments("\"spot\":false", "\"spot\":false,\"share_num\":0,\"share_den\":4")),
    ("a share above the whole", Segments("\"spot\":false", "\"spot\":false,\"share_num\":5,\"share_den\":4")),
    ("the whole, spelled out", Segments("\"spot\":false", "\"spot\":false,\"share_num\":1,\"share_den\":1")),
    ("labels with a key twice", Allocs("\"app\":\"llm\"", "\"app\":\"llm\",\"app\":\"llm\"")),
    ("a label that is a number", Allocs("\"app\":\"llm\"", "\"app\":7")),
    (
        "nine labels",
        Report(|r| r.sections[0].allocs[0].labels = (0..9).map(|n| (format!("l{n}"), String::new())).collect()),
    ),
    ("an unknown field of an allocation", Allocs("\"user\":\"ada\"", "\"user\":\"ada\",\"email\":\"x\"")),
    ("an allocation described twice", Report(|r| r.sections[0].allocs = vec![r.sections[0].allocs[0].clone(); 2])),
    ("one tenant key in two sections", Report(|r| r.sections[3].tenant_key = r.sections[0].tenant_key.clone())),
    (
        "no section where one is vouched for",
        Message("\"segments\":\"{\\\"salt\\\":\\\"01", "\"allocs2\":\"{\\\"salt\\\":\\\"01"),
    ),
];

#[test]
fn the_sections() {
    check(
        four_tenants,
        THE_SECTIONS,
        expect![[r#"
            a key twice                                    refused       duplicate_key             data.sections[0].segments.segments[0].spot
            no salt                                        refused       missing_field             data.sections[0].segments.salt
            a short salt                                   refused       not_an_id                 data.sections[0].segments.salt
            no tenant key                                  refused       missing_field             data.sections[0].segments.tenant_key
            an empty tenant key                            refused       tenant_key_invalid        data.sections[0].segments.tenant_key
            a tenant key without namespace                 refused       tenant_key_invalid        data.sections[0].segments.tenant_key
            a tenant key of a newer kind                   newer         newer_value               data.sections[0].segments.tenant_key
            a tenant key with a control character          refused       tenant_key_invalid        data.sections[0].segments.tenant_key
            a tenant key not in NFC                        refused       text_not_nfc              data.sections[0].segments.tenant_key
            an unknown field                               newer         newer_field               data.sections[0].segments.segments[0].tier
            an unknown basis                               newer         newer_value               data.sections[0].segments.segments[0].basis
            an unknown field, and a malformed one          refused       wrong_type                data.sections[0].segments.segments[0].spot
            no spot                                        refused       missing_field             data.sections[0].segments.segments[0].spot
            an empty allocation                            refused       text_empty                data.sections[0].segments.segments[0].alloc
            a project with a control character             refused       text_control              data.sections[0].segments.segments[0].project
            a project not in NFC                           refused       text_not_nfc              data.sections[0].segments.segments[0].project
            a project that is empty                        refused       text_empty                data.sections[0].segments.segments[0].project
            a project of 257 bytes                         refused       text_too_long             data.sections[0].segments.segments[0].project
            a project of 256 bytes                         taken
            a blank energy counter                         refused       integer_too_large         data.sections[0].segments.segments[0].energy_mj
            a start that is a float                        refused       not_an_integer            data.sections[0].segments.segments[0].start_ms
            a start before the window                      refused       negative_integer          data.sections[0].segments.segments[0].start_ms
            an end after the window                        refused       segment_outside_window    data.sections[0].segments.segments[0].end_ms
            an end before the start                        refused       segment_empty             data.sections[0].segments.segments[0].end_ms
            zero length                                    refused       segment_empty             data.sections[0].segments.segments[0].end_ms
            a device that is not listed                    refused       device_not_listed         data.sections[0].segments.segments[0].gpu
            a device by index                              refused       not_a_device              data.sections[0].segments.segments[0].gpu
            a replica                                      refused       not_a_device              data.sections[0].segments.segments[0].gpu
            half of a share                                refused       missing_field             data.sections[0].segments.segments[0].share_den
            the other half                                 refused       missing_field             data.sections[0].segments.segments[0].share_num
            a share of nothing                             refused       share_invalid             data.sections[0].segments.segments[0].share_num
            a share above the whole                        refused       share_invalid             data.sections[0].segments.segments[0].share_num
            the whole, spelled out                         taken
            labels with a key twice                        refused       duplicate_key             data.sections[0].allocs.allocs[0].labels.app
            a label that is a number                       refused       wrong_type                data.sections[0].allocs.allocs[0].labels.app
            nine labels                                    refused       too_many                  data.sections[0].allocs.allocs[0].labels.l8
            an unknown field of an allocation              newer         newer_field               data.sections[0].allocs.allocs[0].email
            an allocation described twice                  refused       alloc_twice               data.sections[0].allocs.allocs[1].alloc
            one tenant key in two sections                 refused       tenant_key_twice          data.sections[3].segments.tenant_key
            no section where one is vouched for            refused       missing_field             data.sections[0].segments
        "#]],
    );
}

const WHAT_IS_COVERED: &[(&str, Spoil)] = &[
    ("idle, nothing covered", Report(|r| r.covered = Ranges::empty())),
    (
        "held where nothing was covered",
        Report(|r| {
            r.covered = Ranges::from_unsorted([(0, 10_000), (20_000, WINDOW_MS)]);
            r.sections = vec![section("static:lab", vec![held(gpu(1), "a", 9_999, 20_001)])];
        }),
    ),
    (
        "held where nothing was covered, inferred",
        Report(|r| {
            r.covered = Ranges::one(0, 10_000);
            let segment = Segment { basis: Basis::Inferred, ..held(gpu(1), "a", 10_000, 20_000) };
            r.sections = vec![section("static:lab", vec![segment])];
        }),
    ),
];

#[test]
fn what_is_covered() {
    check(
        idle,
        WHAT_IS_COVERED,
        expect![[r#"
            idle, nothing covered                          taken
            held where nothing was covered                 refused       segment_outside_covered   data.sections[0].segments.segments[0].start_ms
            held where nothing was covered, inferred       refused       segment_outside_covered   data.sections[0].segments.segments[0].start_ms
        "#]],
    );
}

fn share(num: u32, den: u32, segment: Segment) -> Segment {
    Segment { share: Share { num, den }, ..segment }
}

const WHAT_CANNOT_BE_TRUE: &[(&str, Spoil)] = &[
    (
        "one device held twice by two tenants",
        Report(|r| {
            r.sections[0].segments.push(held(gpu(2), "b", WINDOW_MS - 1, WINDOW_MS));
        }),
    ),
    (
        "one after the other",
        Report(|r| {
            r.sections[0].segments = vec![held(gpu(1), "a", 0, 30_000), held(gpu(1), "b", 30_000, WINDOW_MS)];
        }),
    ),
    (
        "one allocation that takes its device again",
        Report(|r| {
            r.sections[0].segments = vec![held(gpu(1), "a", 0, 30_000), held(gpu(1), "a", 30_000, WINDOW_MS)];
        }),
    ),
    (
        "one allocation twice on one device",
        Report(|r| {
            let segment = |start, end| share(1, 4, held(gpu(1), "a", start, end));
            r.sections[0].segments = vec![segment(0, 30_000), segment(29_999, WINDOW_MS)];
        }),
    ),
    (
        "equal names of two tenants on one device",
        Report(|r| {
            r.sections[0].segments = vec![share(1, 2, held(gpu(1), "a", 0, 9))];
            r.sections[1].segments = vec![share(1, 2, held(gpu(1), "a", 0, 9))];
        }),
    ),
    (
        "thirds that make a whole",
        Report(|r| {
            r.sections[0].segments = (0..3).map(|n| share(1, 3, held(gpu(1), &format!("a{n}"), 0, 9))).collect();
        }),
    ),
    (
        "thirds and a seventh too many",
        Report(|r| {
            r.sections[0].segments = (0..3).map(|n| share(1, 3, held(gpu(1), &format!("a{n}"), 0, 9))).collect();
            r.sections[1].segments = vec![share(1, 4_294_967_295, held(gpu(1), "b", 8, 10))];
        }),
    ),
    (
        "shares above the whole, never at once",
        Report(|r| {
            r.sections[0].segments = vec![share(3, 4, held(gpu(1), "a", 0, 9)), share(3, 4, held(gpu(1), "b", 9, 10))];
        }),
    ),
    (
        "denominators without common measure",
        Report(|r| {
            let dens = [1_000_003, 1_000_033, 1_000_037];
            r.sections[0].segments = dens.map(|den| share(1, den, held(gpu(1), &format!("a{den}"), 0, 9))).to_vec();
        }),
    ),
    (
        "a GPU beside its slice",
        Report(|r| {
            *r = mig_and_time_slicing();
            r.sections[0].segments.push(held(gpu(2), "a", 19_000, 20_000));
        }),
    ),
    (
        "a GPU before its slice",
        Report(|r| {
            *r = mig_and_time_slicing();
            r.sections[0].segments = vec![held(gpu(2), "a", 0, 9)];
            r.sections[1].segments = vec![held(slice(2), "a", 9, 10)];
        }),
    ),
    (
        "a slice sold twice",
        Report(|r| {
            *r = mig_and_time_slicing();
            r.sections[2].segments = vec![held(slice(1), "b", 19_999, 20_000)];
        }),
    ),
    ("beside an unknown field, which may explain it", Segments("\"alloc\":", "\"mode\":1,\"alloc\":")),
];

#[test]
fn what_cannot_be_true() {
    check(
        four_tenants,
        WHAT_CANNOT_BE_TRUE,
        expect![[r#"
            one device held twice by two tenants           contradictory device_oversold           data.sections[0].segments.segments[1].gpu
            one after the other                            taken
            one allocation that takes its device again     taken
            one allocation twice on one device             contradictory allocation_overlaps_itself data.sections[0].segments.segments[1].start_ms
            equal names of two tenants on one device       taken
            thirds that make a whole                       taken
            thirds and a seventh too many                  contradictory device_oversold           data.sections[1].segments.segments[0].gpu
            shares above the whole, never at once          taken
            denominators without common measure            refused       share_denominators        data.sections[0].segments.segments[1].share_den
            a GPU beside its slice                         contradictory parent_beside_slice       data.sections[0].segments.segments[2].gpu
            a GPU before its slice                         taken
            a slice sold twice                             contradictory device_oversold           data.sections[2].segments.segments[0].gpu
            beside an unknown field, which may explain it  newer         newer_field               data.sections[0].segments.segments[0].mode
        "#]],
    );
}
