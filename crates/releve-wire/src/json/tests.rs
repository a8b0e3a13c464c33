//! Does the reader agree with `serde_json` on what JSON is, and refuse what it must beyond that?

use super::*;
use proptest::prelude::*;

fn skipped(text: &str) -> Result<(), RejectCode> {
    let mut reader = Reader::new(text, Root::Message);
    reader.skip().and_then(|()| reader.finish()).map(|_| ()).map_err(|reject| reject.code)
}

/// Text that is often JSON and often nearly so.
fn nearly_json() -> impl Strategy<Value = String> {
    let tokens = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        ",",
        ":",
        "{\"a\":",
        "\"a\"",
        "\"b\"",
        "\"\\u0061\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\ud83d\\u0061\"",
        "\"\\x\"",
        "\"\u{1}\"",
        "\"",
        "0",
        "-0",
        "01",
        "1",
        "-",
        "-1",
        "1.5",
        "1.",
        ".5",
        "1e3",
        "1E-3",
        "1e",
        "1e+",
        "true",
        "false",
        "null",
        "nul",
        "NaN",
        "Infinity",
        "+1",
        " ",
        "\t",
        "\n",
        "\u{b}",
        "\u{feff}",
        "é",
        "'a'",
        "//",
    ];
    proptest::collection::vec(proptest::sample::select(tokens.to_vec()), 0..14).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn it_takes_what_serde_json_takes(text in nearly_json()) {
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        match skipped(&text) {
            Ok(()) => {
                // A number that is well written and no f64 is theirs to refuse: we skip it unread.
                let too_large = |error: &serde_json::Error| error.to_string().starts_with("number out of range");
                prop_assert!(theirs.as_ref().err().is_none_or(too_large), "{text:?}: {theirs:?}");
            }
            Err(RejectCode::DuplicateKey | RejectCode::TooDeep) => {}
            Err(code) => prop_assert!(theirs.is_err(), "{text:?}: {code}"),
        }
    }

    #[test]
    fn strings_are_read_as_they_were_written(text in any::<String>()) {
        let json = serde_json::to_string(&text).expect("a string is JSON");
        let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        for json in [json, format!("\"{escaped}\"")] {
            prop_assert_eq!(Reader::new(&json, Root::Message).string().expect("a string"), &*text);
        }
    }

    #[test]
    fn integers_are_those_that_every_reader_agrees_on(value in any::<i64>()) {
        let read = Reader::new(&value.to_string(), Root::Message).integer().ok();
        prop_assert_eq!(read, (-INTEGER_MAX..=INTEGER_MAX).contains(&value).then_some(value));
    }
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(skipped(&nested(JSON_DEPTH_MAX)), Ok(()));
    assert_eq!(skipped(&nested(JSON_DEPTH_MAX + 1)), Err(RejectCode::TooDeep));
    assert_eq!(skipped(&nested(100_000)), Err(RejectCode::TooDeep));
}

#[test]
fn a_key_stands_once_however_many_there_are() {
    for len in [2, KEYS_COMPARED_MAX, KEYS_COMPARED_MAX + 1, KEYS_COMPARED_MAX + 2, 5_000] {
        let object = |keys: &[usize]| {
            let fields: Vec<String> = keys.iter().map(|key| format!("\"k{key}\":{{\"k{key}\":0}}")).collect();
            format!("{{{}}}", fields.join(","))
        };
        let mut keys: Vec<usize> = (0..len).collect();
        assert_eq!(skipped(&object(&keys)), Ok(()), "{len} keys");
        keys[len - 1] = 0;
        assert_eq!(skipped(&object(&keys)), Err(RejectCode::DuplicateKey), "{len} keys");
    }
    assert_eq!(skipped(r#"{"a":{"b":[{"c":0,"\u0063":0}]}}"#), Err(RejectCode::DuplicateKey));
}

#[test]
fn a_complaint_names_the_field() {
    let mut reader = Reader::new(r#"{"a":[0,{"b":[[0],[0,"x"]]}]}"#, Root::Segments(3));
    let object = reader.object().expect("an object");
    reader.key(&object).expect("a key");
    let mut outer = reader.array().expect("an array");
    reader.item(&mut outer).expect("an item");
    reader.integer().expect("an integer");
    reader.item(&mut outer).expect("an item");
    let inner = reader.object().expect("an object");
    reader.key(&inner).expect("a key");
    let mut pairs = reader.array().expect("an array");
    reader.item(&mut pairs).expect("an item");
    reader.skip().expect("a value");
    reader.item(&mut pairs).expect("an item");
    let mut pair = reader.array().expect("an array");
    reader.item(&mut pair).expect("an item");
    reader.integer().expect("an integer");
    reader.item(&mut pair).expect("an item");
    let reject = reader.integer().expect_err("a string");
    assert_eq!(reject.field, "data.sections[3].segments.a[1].b[1][1]");
    assert_eq!(reject.detail, "expected an integer, found a string");
}
