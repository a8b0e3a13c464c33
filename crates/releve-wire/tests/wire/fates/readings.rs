//! What becomes of each kind of bad reading?

use expect_test::expect;
use releve_wire::decode_reading;

use super::line;
use crate::{forge::Forge, sample::reading};

const A_READING: &[(&str, &str, &str)] = &[
    ("honest", "\"quantity\":", "\"quantity\":"),
    ("a key twice", "\"quantity\":", "\"quantity\":1,\"quantity\":"),
    ("an unknown field", "\"quantity\":", "\"quantty\":1,\"quantity\":"),
    ("no source", "\"source\":\"storage-exporter\",", ""),
    ("no id", "\"id\":", "\"project\":"),
    ("an empty id", "vol-17/2026-02-01T00", ""),
    ("no tenant", "\"tenant\":\"ten_01900000000070008000000000000002\",", ""),
    ("a key instead of a tenant", "\"tenant\":\"ten_01900000000070008000000000000002\"", "\"key\":\"static:lab\""),
    ("a tenant and a key", "\"tenant\":", "\"key\":\"static:lab\",\"tenant\":"),
    ("an empty key", "\"tenant\":\"ten_01900000000070008000000000000002\"", "\"key\":\"\""),
    ("a key of an unknown kind", "\"tenant\":\"ten_01900000000070008000000000000002\"", "\"key\":\"vm:a/b\""),
    ("a quantity that is a float", "921600", "921600.0"),
    ("a quantity that is negative", "921600", "-1"),
    ("a quantity of zero", "921600", "0"),
    ("a quantity above 2^53 - 1", "921600", "9007199254740992"),
    ("a quantity that is text", "921600", "\"921600\""),
    ("an unknown unit", "gib_second", "gigabyte"),
    ("GPU time", "gib_second", "gpu_ms"),
    ("time without zone", "00:00:00Z\"", "00:00:00\""),
    ("time with an offset", "00:00:00Z\"", "00:00:00+01:00\""),
    ("no time at all", "T01:00:00Z", "T00:00:00Z"),
    ("an end before the start", "T00:00:00Z", "T02:00:00Z"),
    ("a millisecond over the hour", "T01:00:00Z", "T01:00:00.001Z"),
    ("an hour across two", "T00:00:00Z\",\"to\":\"2026-02-01T01:00", "T00:30:00Z\",\"to\":\"2026-02-01T01:30"),
    ("a meter that is no name", "\"meter\":\"storage\"", "\"meter\":\"Block Storage\""),
    ("a region that is no name", "\"eu-west\"", "\"***\""),
    ("no region", ",\"region\":\"eu-west\"", ""),
    ("a label with a key twice", "\"class\":\"ssd\"", "\"class\":\"ssd\",\"class\":\"hdd\""),
    ("a label that is no text", "\"ssd\"", "null"),
    ("a label with a control character", "\"ssd\"", "\"s\\u0000d\""),
];

#[test]
fn a_reading() {
    let fates = A_READING.iter().map(|(title, from, to)| {
        let mut text = String::from_utf8(releve_wire::encode_reading(&reading())).expect("text");
        Forge::edit(&mut text, from, to);
        line(title, decode_reading(text.as_bytes()).map(|_| ()))
    });
    let mut fates: String = fates.collect();
    fates += &line("not JSON", decode_reading(b"storage 17").map(|_| ()));
    fates += &line("too large", decode_reading(&[b' '; 65_537]).map(|_| ()));
    expect![[r#"
        honest                                         taken
        a key twice                                    refused       duplicate_key             quantity
        an unknown field                               refused       unknown_field             quantty
        no source                                      refused       missing_field             source
        no id                                          refused       missing_field             id
        an empty id                                    refused       text_empty                id
        no tenant                                      refused       reading_holder            tenant
        a key instead of a tenant                      taken
        a tenant and a key                             refused       reading_holder            key
        an empty key                                   refused       tenant_key_invalid        key
        a key of an unknown kind                       refused       tenant_key_invalid        key
        a quantity that is a float                     refused       not_an_integer            quantity
        a quantity that is negative                    refused       negative_integer          quantity
        a quantity of zero                             taken
        a quantity above 2^53 - 1                      refused       integer_too_large         quantity
        a quantity that is text                        refused       wrong_type                quantity
        an unknown unit                                refused       unknown_value             unit
        GPU time                                       refused       reading_unit              unit
        time without zone                              refused       not_an_instant            from
        time with an offset                            refused       not_an_instant            from
        no time at all                                 refused       reading_span_empty        to
        an end before the start                        refused       reading_span_empty        to
        a millisecond over the hour                    refused       reading_crosses_hour      to
        an hour across two                             refused       reading_crosses_hour      to
        a meter that is no name                        refused       reading_sku               meter
        a region that is no name                       refused       reading_sku               region
        no region                                      taken
        a label with a key twice                       refused       duplicate_key             labels.class
        a label that is no text                        refused       wrong_type                labels.class
        a label with a control character               refused       text_control              labels.class
        not JSON                                       refused       not_json                  
        too large                                      refused       message_too_large         
    "#]]
    .assert_eq(&fates);
}
