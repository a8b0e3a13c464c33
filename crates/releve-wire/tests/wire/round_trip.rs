//! Does a report arrive as it was sent?

use expect_test::expect;
use releve_wire::{Evidence, Report, Section, Unsealed, limits::MESSAGE_BYTES_MAX, open, verify_disclosed};

use crate::{
    fates::line,
    sample::{KEYID, four_tenants, idle, mig_and_time_slicing, public_key, sealed},
};

/// What the report said, as the sender had it.
pub fn unsealed(report: Report) -> Unsealed {
    let head = report.head;
    Unsealed {
        node: head.node,
        run: head.run,
        seq: head.seq,
        window: head.window,
        covered: head.covered,
        clock: head.clock,
        devices: head.devices,
        agent: head.agent,
        prev: head.prev,
        sections: report.sections,
    }
}

#[test]
fn what_was_sealed_is_what_is_read() {
    for report in [idle(), four_tenants(), mig_and_time_slicing()] {
        let message = sealed(&report);
        let opened = open(&message.bytes, MESSAGE_BYTES_MAX).expect("a report");
        assert_eq!((opened.node(), opened.keyid(), opened.window()), (report.node, KEYID, report.window));
        let read = opened.verify(&public_key()).expect("its own signature");
        assert_eq!(read.head_sha256, message.head_sha256);
        assert_eq!(unsealed(read), report);
    }
}

#[test]
fn a_section_alone_verifies_and_names_no_neighbour() {
    let report = four_tenants();
    let message = open(&sealed(&report).bytes, MESSAGE_BYTES_MAX).expect("a report");
    let evidence = message.verify(&public_key()).expect("its own signature").evidence;
    for (i, own) in report.sections.iter().enumerate() {
        let (head, segments) = (&evidence.head, &evidence.segments[i]);
        let (read, section) =
            verify_disclosed(head, KEYID, &evidence.signature, segments, &public_key()).expect("it verifies");
        assert_eq!(section, Section { allocs: Vec::new(), ..own.clone() });
        assert_eq!(read.sections.len(), report.sections.len());
        for neighbour in report.sections.iter().filter(|neighbour| neighbour.tenant_key != own.tenant_key) {
            let disclosed = format!("{head}{segments}");
            assert!(!disclosed.contains(neighbour.tenant_key.as_str()));
            assert!(!disclosed.contains(&neighbour.segments[0].alloc));
        }
    }
}

#[test]
fn kept_evidence_is_believed_only_whole() {
    let message = open(&sealed(&four_tenants()).bytes, MESSAGE_BYTES_MAX).expect("a report");
    let evidence = message.verify(&public_key()).expect("its own signature").evidence;
    let changed = |title: &str, change: fn(&mut Evidence)| {
        let mut changed = evidence.clone();
        change(&mut changed);
        line(title, changed.verify(&public_key()).map(|_| ()))
    };
    let disclosed = |title: &str, segments: &str| {
        let fate = verify_disclosed(&evidence.head, KEYID, &evidence.signature, segments, &public_key());
        line(title, fate.map(|_| ()))
    };
    let text = String::from_utf8(evidence.to_bytes()).expect("text");
    let read = |title: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        line(title, Evidence::from_bytes(text.replacen(from, to, 1).as_bytes()).map(|_| ()))
    };
    let fates = [
        changed("as it was", |_| {}),
        changed("a section left out", |e| drop(e.segments.pop())),
        changed("a section too many", |e| e.segments.push(String::new())),
        changed("two sections in each other's place", |e| e.segments.swap(0, 1)),
        changed("a head in other words", |e| e.head.push(' ')),
        disclosed("one's own section", &evidence.segments[2]),
        disclosed("a section of another report", "{}"),
        read("kept in another form", "\"v\":1", "\"v\":2"),
        read("a key twice", "\"v\":1", "\"v\":1,\"v\":1"),
        read("an unknown field", "\"v\":1", "\"v\":1,\"allocs\":[]"),
        read("a signature cut short", "==\"", "\""),
        read("something after it", "\"]}", "\"]}}"),
    ];
    expect![[r#"
        as it was                                      taken
        a section left out                             refused       section_count             data.sections
        a section too many                             refused       section_count             data.sections
        two sections in each other's place             refused       section_digest            data.sections[0].segments
        a head in other words                          refused       bad_signature             data.sig
        one's own section                              taken
        a section of another report                    refused       section_digest            segments
        kept in another form                           refused       unknown_type              v
        a key twice                                    refused       duplicate_key             v
        an unknown field                               refused       unknown_field             allocs
        a signature cut short                          refused       not_a_signature           sig
        something after it                             refused       not_json                  
    "#]]
    .assert_eq(&fates.concat());
}
