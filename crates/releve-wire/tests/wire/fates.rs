//! What becomes of each kind of bad report? One line each: its class, its code and the field that is named.

mod head;
mod readings;
mod sections;

use expect_test::{Expect, expect};
use releve_wire::{Reject, RejectClass, Unsealed, limits::MESSAGE_BYTES_MAX, open};

use crate::{
    forge::Forge,
    sample::{four_tenants, public_key, sealed},
};

/// One way to spoil a good report.
enum Spoil {
    /// The message's text.
    Message(&'static str, &'static str),
    /// The head's text, signed again.
    Head(&'static str, &'static str),
    /// The head's text, under the signature of the honest one.
    HeadUnsigned(&'static str, &'static str),
    /// The first section's texts, their digests and signature made to fit.
    Segments(&'static str, &'static str),
    Allocs(&'static str, &'static str),
    /// What the report says, honestly sealed.
    Report(fn(&mut Unsealed)),
}
use Spoil::*;

fn fate(message: &[u8]) -> Result<(), Reject> {
    open(message, MESSAGE_BYTES_MAX)?.verify(&public_key()).map(|_| ())
}

pub fn line(title: &str, fate: Result<(), Reject>) -> String {
    let text = match fate {
        Ok(()) => "taken".to_owned(),
        Err(reject) => {
            let class = match reject.class() {
                RejectClass::Refused => "refused",
                RejectClass::Newer => "newer",
                RejectClass::Contradictory => "contradictory",
            };
            format!("{class:<13} {:<25} {}", reject.code, reject.field)
        }
    };
    format!("{title:<46} {text}\n")
}

fn spoiled(mut report: Unsealed, spoil: &Spoil) -> String {
    if let Report(change) = spoil {
        change(&mut report);
        return String::from_utf8(sealed(&report).bytes).expect("text");
    }
    let mut forge = Forge::new(&report);
    match *spoil {
        Head(from, to) => Forge::edit(&mut forge.head, from, to),
        HeadUnsigned(from, to) => {
            forge.sign_again = false;
            Forge::edit(&mut forge.head, from, to);
        }
        Segments(from, to) => forge.edit_section(false, 0, from, to),
        Allocs(from, to) => forge.edit_section(true, 0, from, to),
        Message(..) | Report(_) => {}
    }
    let mut message = forge.message();
    if let Message(from, to) = *spoil {
        Forge::edit(&mut message, from, to);
    }
    message
}

fn check(report: fn() -> Unsealed, cases: &[(&str, Spoil)], expected: Expect) {
    let fates = cases.iter().map(|(title, spoil)| line(title, fate(spoiled(report(), spoil).as_bytes())));
    expected.assert_eq(&fates.collect::<String>());
}

#[test]
fn the_message() {
    let whole = |text: &str| line(text, fate(text.as_bytes()));
    let mut fates: String = ["", "usage: 4 GPUs", "[]", "{", "{}", "\u{feff}{}", "{}{}"].map(whole).concat();
    fates += &line("not UTF-8", fate(b"{\"id\":\"\xff\"}"));
    fates += &line("65,537 bytes", fate(&[b' '; 65_537]));
    let padded = |bytes: usize| {
        let mut message = sealed(&four_tenants()).bytes;
        message.resize(bytes, b' ');
        message
    };
    fates += &line("65,536 bytes", fate(&padded(65_536)));
    let raised = |bytes: usize, limit| open(&padded(bytes), limit).map(|_| ());
    fates += &line("1 MiB where that is allowed", raised(1_048_576, usize::MAX));
    fates += &line("more than 1 MiB, whatever is allowed", raised(1_048_577, usize::MAX));
    expect![[r#"
                                                       refused       not_json                  
        usage: 4 GPUs                                  refused       not_json                  
        []                                             refused       wrong_type                
        {                                              refused       not_json                  
        {}                                             refused       missing_field             specversion
        ﻿{}                                            refused       not_json                  
        {}{}                                           refused       missing_field             specversion
        not UTF-8                                      refused       not_json                  
        65,537 bytes                                   refused       message_too_large         
        65,536 bytes                                   taken
        1 MiB where that is allowed                    taken
        more than 1 MiB, whatever is allowed           refused       message_too_large         
    "#]]
    .assert_eq(&fates);
}

const THE_ENVELOPE: &[(&str, Spoil)] = &[
    ("honest", Message("\"1.0\"", "\"1.0\"")),
    ("key twice", Message("\"specversion\":", "\"specversion\":\"1.0\",\"specversion\":")),
    ("unknown specversion", Message("\"1.0\"", "\"2.0\"")),
    ("another event's type", Message("org.releve.report.v1", "com.example.disk")),
    ("type of a newer version", Message("org.releve.report.v1", "org.releve.report.v2")),
    ("no id", Message("\"id\":", "\"uid\":")),
    ("no source", Message("\"source\":", "\"origin\":")),
    ("an id that is not hexadecimal", Message("\"id\":\"", "\"id\":\"x")),
    ("another report's id", Message("\"id\":\"", "\"id\":\"00000000000000000000000000000000\",\"id2\":\"")),
    ("another node's source", Message("urn:releve:node:nod_0", "urn:releve:node:nod_1")),
    ("a source of another kind", Message("urn:releve:node:", "urn:releve:rack:")),
    ("another subject", Message("\"subject\":\"nod_0", "\"subject\":\"nod_1")),
    ("another time than the window's end", Message("\"time\":\"2026", "\"time\":\"2027")),
    ("time without zone", Message("00Z\",\"type\"", "00\",\"type\"")),
    ("another content type", Message("application/json", "application/xml")),
    ("an extension attribute", Message("\"specversion\":", "\"traceparent\":\"00-ab-cd-01\",\"specversion\":")),
    ("an extension attribute twice", Message("\"specversion\":", "\"x\":1,\"x\":1,\"specversion\":")),
    ("an extension that is an object", Message("\"specversion\":", "\"x\":{},\"specversion\":")),
    ("an attribute with capitals", Message("\"specversion\":", "\"traceParent\":\"\",\"specversion\":")),
    ("data in base64", Message("\"data\":", "\"data_base64\":")),
    ("data that is a string", Message("\"data\":{", "\"data\":\"\",\"x\":{")),
    ("an unknown field in data", Message("\"keyid\":", "\"hint\":[{\"a\":1}],\"keyid\":")),
    ("a key twice in an unknown field", Message("\"keyid\":", "\"hint\":{\"a\":1,\"a\":1},\"keyid\":")),
    (
        "an unknown field in a section",
        Message("\"segments\":\"{\\\"salt\\\":\\\"07", "\"x\":0,\"segments\":\"{\\\"salt\\\":\\\"07"),
    ),
    ("no signature", Message("\"sig\":", "\"signature\":")),
    ("a signature that is too short", Message("\"sig\":\"", "\"sig\":\"AAAA\",\"was\":\"")),
    ("no key id", Message("\"keyid\":", "\"key\":")),
    ("an empty key id", Message("\"node-key-1\"", "\"\"")),
];

#[test]
fn the_envelope() {
    check(
        four_tenants,
        THE_ENVELOPE,
        expect![[r#"
            honest                                         taken
            key twice                                      refused       duplicate_key             specversion
            unknown specversion                            refused       unknown_type              specversion
            another event's type                           refused       unknown_type              type
            type of a newer version                        newer         newer_version             type
            no id                                          refused       missing_field             id
            no source                                      refused       missing_field             source
            an id that is not hexadecimal                  refused       not_an_id                 id
            another report's id                            refused       envelope_disagrees        id
            another node's source                          refused       envelope_disagrees        source
            a source of another kind                       refused       envelope_disagrees        source
            another subject                                refused       envelope_disagrees        subject
            another time than the window's end             refused       envelope_disagrees        time
            time without zone                              refused       not_an_instant            time
            another content type                           refused       unknown_type              datacontenttype
            an extension attribute                         taken
            an extension attribute twice                   refused       duplicate_key             x
            an extension that is an object                 refused       wrong_type                x
            an attribute with capitals                     refused       unknown_field             traceParent
            data in base64                                 refused       unknown_field             data_base64
            data that is a string                          refused       wrong_type                data
            an unknown field in data                       newer         newer_field               data.hint
            a key twice in an unknown field                refused       duplicate_key             data.hint.a
            an unknown field in a section                  newer         newer_field               data.sections[3].x
            no signature                                   refused       missing_field             data.sig
            a signature that is too short                  refused       not_a_signature           data.sig
            no key id                                      refused       missing_field             data.keyid
            an empty key id                                refused       text_empty                data.keyid
        "#]],
    );
}

const THE_SIGNATURE: &[(&str, Spoil)] = &[
    ("a head changed after signing", HeadUnsigned("\"seq\":1,", "\"seq\":2,")),
    ("a segment changed after signing", Message("team-3", "team-4")),
    ("an unknown field, unsigned", HeadUnsigned("\"v\":1", "\"v\":1,\"mode\":\"x\"")),
    ("an unknown version, unsigned", HeadUnsigned("\"v\":1", "\"v\":2")),
];

#[test]
fn the_signature() {
    check(
        four_tenants,
        THE_SIGNATURE,
        expect![[r#"
            a head changed after signing                   refused       bad_signature             data.sig
            a segment changed after signing                refused       section_digest            data.sections[2].segments
            an unknown field, unsigned                     refused       bad_signature             data.sig
            an unknown version, unsigned                   refused       bad_signature             data.sig
        "#]],
    );

    let opened = || open(&sealed(&four_tenants()).bytes, MESSAGE_BYTES_MAX);
    let with_key = |key: [u8; 32]| opened().and_then(|sealed| sealed.verify(&key)).map(|_| ());
    let mut identity = [0; 32];
    identity[0] = 1;
    let fates = [
        line(
            "another node's key",
            with_key(ed25519_dalek::SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes()),
        ),
        line("a key of small order", with_key(identity)),
        line("a key that is no point", with_key([2; 32])),
    ];
    expect![[r#"
        another node's key                             refused       bad_signature             data.sig
        a key of small order                           refused       bad_public_key            data.keyid
        a key that is no point                         refused       bad_public_key            data.keyid
    "#]]
    .assert_eq(&fates.concat());
}
