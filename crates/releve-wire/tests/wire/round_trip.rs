//! Does a report arrive as it was sent?

use releve_wire::{Report, Section, Unsealed, limits::MESSAGE_BYTES_MAX, open, verify_disclosed};

use crate::sample::{KEYID, four_tenants, idle, mig_and_time_slicing, public_key, sealed};

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
