//! What becomes of a report whose head is bad, though signed?

use expect_test::expect;
use releve_wire::Window;

use super::{
    Spoil::{self, *},
    check,
};
use crate::sample::{WINDOW_MS, four_tenants, gpu, mig_and_time_slicing, slice, whole_gpu};

const THE_HEAD: &[(&str, Spoil)] = &[
    ("honest", Head("\"v\":1", "\"v\":1")),
    ("not JSON", Head("\"v\":1", "\"v\":1,,")),
    ("something after it", Head("]}", "]} x")),
    ("a key twice", Head("\"v\":1", "\"v\":1,\"v\":1")),
    ("a key twice, far apart", Head("\"agent\":", "\"node\":\"nod_01900000000070008000000000000001\",\"agent\":")),
    ("a key twice in the clock", Head("\"synced\":true", "\"synced\":true,\"synced\":true")),
    ("a newer version", Head("\"v\":1", "\"v\":2")),
    ("a newer version in which all else is new", Head("\"v\":1,", "\"v\":2,\"covered2\":0,\"node2\":{},")),
    ("an unknown field", Head("\"v\":1", "\"v\":1,\"rack\":\"r7\"")),
    ("an unknown field in the clock", Head("\"synced\":true", "\"synced\":true,\"source\":\"ptp\"")),
    ("an unknown field, and a malformed one", Head("\"v\":1,", "\"v\":1,\"rack\":\"r7\",\"prev\":7,")),
    ("no run", Head("\"run\":", "\"running\":")),
    ("node that is no id", Head("\"node\":\"nod_", "\"node\":\"node_")),
    ("run in capitals", Head("-0000000000ff", "-0000000000FF")),
    ("seq as text", Head("\"seq\":1,", "\"seq\":\"1\",")),
    ("seq as float", Head("\"seq\":1,", "\"seq\":1.0,")),
    ("seq with exponent", Head("\"seq\":1,", "\"seq\":1e3,")),
    ("seq that is NaN", Head("\"seq\":1,", "\"seq\":NaN,")),
    ("seq that is negative", Head("\"seq\":1,", "\"seq\":-1,")),
    ("seq above 2^53 - 1", Head("\"seq\":1,", "\"seq\":9007199254740992,")),
    ("seq that is null", Head("\"seq\":1,", "\"seq\":null,")),
    ("time without zone", Head("00:00:00Z\"", "00:00:00\"")),
    ("time with an offset", Head("00:00:00Z\"", "00:00:00+00:00\"")),
    ("time in microseconds", Head("00:00:00Z\"", "00:00:00.000001Z\"")),
    ("time without seconds", Head("00:00:00Z\"", "00:00Z\"")),
    ("a leap second", Head("00:00:00Z\"", "00:00:60Z\"")),
    (
        "a window that is not aligned",
        Report(|r| {
            let start = r.window.start.plus_millis(30_000);
            r.window = Window { start, end: start.plus_millis(WINDOW_MS) };
        }),
    ),
    ("a window that ends as it begins", Head("00:01:00Z\"", "00:00:00Z\"")),
    ("a window that ends before it begins", Head("00:01:00Z\"", "00:00:00.5Z\"")),
    ("a window of 7 minutes", Head("00:01:00Z\"", "00:07:00Z\"")),
    ("a window of 2 hours", Head("00:01:00Z\"", "02:00:00Z\"")),
    ("covered out of order", Head("[[0,60000]]", "[[30000,60000],[0,30000]]")),
    ("covered ranges that overlap", Head("[[0,60000]]", "[[0,30000],[29999,60000]]")),
    ("covered ranges that touch", Head("[[0,60000]]", "[[0,30000],[30000,60000]]")),
    ("a covered range that is empty", Head("[[0,60000]]", "[[0,60000],[60000,60000]]")),
    ("covered beyond the window", Head("[[0,60000]]", "[[0,60001]]")),
    ("covered before the window", Head("[[0,60000]]", "[[-1,60000]]")),
    ("covered of three bounds", Head("[[0,60000]]", "[[0,30000,60000]]")),
    ("agent with a line feed", Head("releve-agent 0.1.0", "releve\\nagent")),
    ("agent with a C1 control character", Head("releve-agent 0.1.0", "releve\\u0085agent")),
    ("agent not in NFC", Head("releve-agent 0.1.0", "releve\u{301}-agent")),
    ("prev that is no digest", Head("\"agent\":", "\"prev\":\"abc\",\"agent\":")),
    (
        "fewer sections than vouched for",
        Head(
            "\"sections\":[",
            "\"sections\":[{\"segments\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"allocs\":\"0000000000000000000000000000000000000000000000000000000000000000\"},",
        ),
    ),
];

#[test]
fn the_head() {
    check(
        four_tenants,
        THE_HEAD,
        expect![[r#"
            honest                                         taken
            not JSON                                       refused       not_json                  data.head
            something after it                             refused       not_json                  data.head
            a key twice                                    refused       duplicate_key             data.head.v
            a key twice, far apart                         refused       duplicate_key             data.head.node
            a key twice in the clock                       refused       duplicate_key             data.head.clock.synced
            a newer version                                newer         newer_version             data.head.v
            a newer version in which all else is new       newer         newer_version             data.head.v
            an unknown field                               newer         newer_field               data.head.rack
            an unknown field in the clock                  newer         newer_field               data.head.clock.source
            an unknown field, and a malformed one          refused       wrong_type                data.head.prev
            no run                                         refused       missing_field             data.head.run
            node that is no id                             refused       not_an_id                 data.head.node
            run in capitals                                refused       not_an_id                 data.head.run
            seq as text                                    refused       wrong_type                data.head.seq
            seq as float                                   refused       not_an_integer            data.head.seq
            seq with exponent                              refused       not_an_integer            data.head.seq
            seq that is NaN                                refused       not_json                  data.head.seq
            seq that is negative                           refused       negative_integer          data.head.seq
            seq above 2^53 - 1                             refused       integer_too_large         data.head.seq
            seq that is null                               refused       wrong_type                data.head.seq
            time without zone                              refused       not_an_instant            data.head.window_start
            time with an offset                            refused       not_an_instant            data.head.window_start
            time in microseconds                           refused       not_an_instant            data.head.window_start
            time without seconds                           refused       not_an_instant            data.head.window_start
            a leap second                                  refused       not_an_instant            data.head.window_start
            a window that is not aligned                   refused       window_not_aligned        data.head.window_start
            a window that ends as it begins                refused       window_length             data.head.window_end
            a window that ends before it begins            refused       window_length             data.head.window_end
            a window of 7 minutes                          refused       window_length             data.head.window_end
            a window of 2 hours                            refused       window_length             data.head.window_end
            covered out of order                           refused       covered_disorder          data.head.covered[1]
            covered ranges that overlap                    refused       covered_disorder          data.head.covered[1]
            covered ranges that touch                      taken
            a covered range that is empty                  refused       covered_disorder          data.head.covered[1]
            covered beyond the window                      refused       covered_outside_window    data.head.covered
            covered before the window                      refused       negative_integer          data.head.covered[0][0]
            covered of three bounds                        refused       wrong_type                data.head.covered[0]
            agent with a line feed                         refused       text_control              data.head.agent
            agent with a C1 control character              refused       text_control              data.head.agent
            agent not in NFC                               refused       text_not_nfc              data.head.agent
            prev that is no digest                         refused       not_an_id                 data.head.prev
            fewer sections than vouched for                refused       section_count             data.sections
        "#]],
    );
}

const THE_DEVICES: &[(&str, Spoil)] = &[
    ("an ordinal", Head("\"GPU-a0000000-0000-4000-8000-000000000001\"", "\"0\"")),
    ("an ordinal with a name", Head("\"GPU-a0000000-0000-4000-8000-000000000001\"", "\"nvidia3\"")),
    ("a number", Head("\"GPU-a0000000-0000-4000-8000-000000000001\"", "0")),
    ("a replica", Head("GPU-a0000000-0000-4000-8000-000000000001", "GPU-a0000000-0000-4000-8000-000000000001::2")),
    ("capitals", Head("GPU-a0000000-0000-4000-8000-000000000001", "GPU-A0000000-0000-4000-8000-000000000001")),
    (
        "an unknown field",
        Head(
            "\"energy_mj\":39000000},{\"gpu\":\"GPU-a0000000-0000-4000-8000-000000000002\"",
            "\"util\":7},{\"gpu\":\"GPU-a0000000-0000-4000-8000-000000000002\"",
        ),
    ),
    ("a blank energy counter", Report(|r| r.devices[1].energy_mj = Some(9_223_372_036_854_775_794))),
    ("the largest energy", Report(|r| r.devices[1].energy_mj = Some(9_007_199_254_740_991))),
    (
        "negative energy",
        Head(
            "\"energy_mj\":39000000},{\"gpu\":\"GPU-a0000000-0000-4000-8000-000000000003\"",
            "\"energy_mj\":-1},{\"gpu\":\"GPU-a0000000-0000-4000-8000-000000000003\"",
        ),
    ),
    (
        "energy as float",
        Head(
            "\"energy_mj\":39000000},{\"gpu\":\"GPU-a0000000-0000-4000-8000-000000000003\"",
            "\"energy_mj\":3.9e7},{\"gpu\":\"GPU-a0000000-0000-4000-8000-000000000003\"",
        ),
    ),
    ("an unknown state", Head("\"state\":\"lost\"", "\"state\":\"on fire\"")),
    ("no model", Report(|r| r.devices[0].model.clear())),
    ("listed twice", Report(|r| r.devices[1] = r.devices[0].clone())),
    (
        "a slice and a GPU of one UUID",
        Head("\"MIG-b0000000-0000-5000-8000-000000000002\"", "\"MIG-a0000000-0000-4000-8000-000000000001\""),
    ),
    ("a slice without parent", Report(|r| r.devices[4].parent = None)),
    ("a slice of a slice", Report(|r| r.devices[4].parent = Some(slice(2)))),
    ("a slice without profile", Report(|r| r.devices[4].profile = None)),
    ("a GPU with a parent", Report(|r| r.devices[0].parent = Some(gpu(2)))),
    ("a GPU with a profile", Report(|r| r.devices[0].profile = Some("1g.10gb".into()))),
    ("257 devices", Report(|r| r.devices = (1..=257).map(whole_gpu).collect())),
];

#[test]
fn the_devices() {
    check(
        mig_and_time_slicing,
        THE_DEVICES,
        expect![[r#"
            an ordinal                                     refused       not_a_device              data.head.devices[0].gpu
            an ordinal with a name                         refused       not_a_device              data.head.devices[0].gpu
            a number                                       refused       wrong_type                data.head.devices[0].gpu
            a replica                                      refused       not_a_device              data.head.devices[0].gpu
            capitals                                       refused       not_a_device              data.head.devices[0].gpu
            an unknown field                               newer         newer_field               data.head.devices[0].util
            a blank energy counter                         refused       integer_too_large         data.head.devices[1].energy_mj
            the largest energy                             taken
            negative energy                                refused       negative_integer          data.head.devices[1].energy_mj
            energy as float                                refused       not_an_integer            data.head.devices[1].energy_mj
            an unknown state                               newer         newer_value               data.head.devices[3].state
            no model                                       refused       text_empty                data.head.devices[0].model
            listed twice                                   refused       device_twice              data.head.devices[1].gpu
            a slice and a GPU of one UUID                  refused       device_twice              data.head.devices[5].gpu
            a slice without parent                         refused       slice_description         data.head.devices[4].parent
            a slice of a slice                             refused       slice_description         data.head.devices[4].parent
            a slice without profile                        refused       slice_description         data.head.devices[4].profile
            a GPU with a parent                            refused       slice_description         data.head.devices[0].parent
            a GPU with a profile                           refused       slice_description         data.head.devices[0].profile
            257 devices                                    refused       too_many                  data.head.devices[256]
        "#]],
    );
}
