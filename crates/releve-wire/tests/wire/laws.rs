//! What holds for every report, and for every byte that is not as it was?

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::Signer;
use proptest::{collection::vec, option, prelude::*, sample::select};
use releve_types::{DeviceId, Ranges, TenantKey, sku::Share};
use releve_wire::{
    AllocDetails, Basis, Clock, Device, DeviceState, EndReason, Evidence, Holder, Reading, RejectClass, Section,
    Segment, Unsealed, Window, decode_reading, encode_reading, limits::MESSAGE_BYTES_MAX, open, verify_disclosed,
};
use uuid::Uuid;

use crate::{
    forge::Forge,
    round_trip::unsealed,
    sample::{
        KEYID, four_tenants, gpu, held, idle, mig_and_time_slicing, public_key, reading, sealed, signing_key, slice,
    },
};

/// Text as it may stand in a report: printable, NFC, never empty.
fn text() -> impl Strategy<Value = String> {
    let chars = ["a", "Z", "7", " ", "/", "\"", "\\", "é", "ß", "東", "🜁", "'", "<", "{"];
    vec(select(chars.to_vec()), 1..12).prop_map(|chars| chars.concat())
}

/// One device's minute: shares of one, each held in turn or at once by some section.
#[derive(Clone, Debug)]
struct Use {
    section: usize,
    from: i64,
    length: i64,
    part: u32,
    details: (Option<String>, Option<u64>, bool, Option<EndReason>),
}

fn a_use() -> impl Strategy<Value = Use> {
    let end = select([None].into_iter().chain(EndReason::ALL.iter().copied().map(Some)).collect::<Vec<_>>());
    let details = (option::of(text()), option::of(0..9_007_199_254_740_992u64), any::<bool>(), end);
    (0..4usize, 0..60_000i64, 1..60_000i64, 1..4u32, details).prop_map(|(section, from, length, part, details)| Use {
        section,
        from,
        length,
        part,
        details,
    })
}

fn devices() -> impl Strategy<Value = Vec<Device>> {
    let states = select(DeviceState::ALL.to_vec());
    let device = (any::<bool>(), text(), states, option::of(0..9_007_199_254_740_992u64));
    vec(device, 1..6).prop_map(|devices| {
        let numbered = (0u128..).zip(devices);
        let device = |(n, (cut, model, state, energy_mj))| Device {
            gpu: if cut { slice(n) } else { gpu(n) },
            parent: cut.then(|| gpu(n + 100)),
            profile: cut.then(|| "1g.10gb".to_owned()),
            model,
            state,
            energy_mj,
        };
        numbered.map(device).collect()
    })
}

/// Reports that keep every rule, whatever they say.
fn reports() -> impl Strategy<Value = Unsealed> {
    let clock = (any::<bool>(), 0..1_000_000_000u64, option::of(-5_000..5_000i64));
    let window = (0..40_000_000i64, select(vec![10_000i64, 15_000, 60_000, 900_000, 3_600_000]));
    let details = vec((option::of(text()), option::of(text()), vec(text(), 0..8)), 4);
    let head = (any::<[u8; 16]>(), 1..9_007_199_254_740_992u64, window, clock, text(), option::of(any::<[u8; 32]>()));
    (head, devices(), vec(vec(a_use(), 0..6), 6), details).prop_map(|(head, devices, uses, details)| {
        let (run, seq, (ordinal, length), (synced, max_err_us, step_ms), agent, prev) = head;
        let start = idle().window.start.plus_millis(ordinal * 3_600_000 % 946_684_800_000 / length * length);
        let mut segments: Vec<Vec<Segment>> = vec![Vec::new(); 4];
        for (device, uses) in devices.iter().zip(uses) {
            for (n, one) in uses.iter().enumerate() {
                let share = Share { num: one.part, den: 20 };
                let (from, to) = (one.from * length / 60_000, (one.from + one.length) * length / 60_000);
                let (project, energy_mj, spot, end_reason) = one.details.clone();
                let basis = if spot { Basis::Inferred } else { Basis::Observed };
                let segment = held(device.gpu, &format!("job {n}"), from, to.min(length));
                let segment = Segment { project, energy_mj, spot, end_reason, basis, share, ..segment };
                segments[one.section].push(segment);
            }
        }
        let covered = Ranges::from_unsorted(segments.iter().flatten().map(|s| (s.start_ms, s.end_ms)));
        let named = segments.into_iter().zip(details).zip(1..);
        let sections = named.map(|((segments, (name, user, labels)), n)| Section {
            tenant_key: TenantKey::new(&format!("slurm:a/{n}")).expect("a key"),
            segments: segments.into_iter().filter(|s| s.start_ms < s.end_ms).collect(),
            allocs: vec![AllocDetails {
                alloc: "job 0".into(),
                name,
                user,
                labels: labels.into_iter().zip(0..).map(|(value, n)| (format!("label {n}"), value)).collect(),
            }],
        });
        Unsealed {
            run: Uuid::from_bytes(run),
            seq,
            window: Window { start, end: start.plus_millis(length) },
            covered,
            clock: Clock { synced, max_err_us, step_ms },
            devices,
            agent,
            prev: prev.map(releve_wire::Digest),
            sections: sections.collect(),
            ..idle()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_report_arrives_as_it_was_sent(report in reports()) {
        let message = sealed(&report);
        let read = open(&message.bytes, usize::MAX).and_then(|sealed| sealed.verify(&public_key()));
        let read = read.map_err(|reject| TestCaseError::fail(reject.to_string()))?;
        prop_assert_eq!(read.head_sha256, message.head_sha256);

        let kept = Evidence::from_bytes(&read.evidence.to_bytes()).expect("what was written");
        prop_assert_eq!(&kept, &read.evidence);
        let again = kept.verify(&public_key()).expect("the same strings");
        let bare = |section: &Section| Section { allocs: Vec::new(), ..section.clone() };
        prop_assert_eq!(&again.sections, &report.sections.iter().map(bare).collect::<Vec<_>>());
        prop_assert_eq!(&again.head, &read.head);
        for (segments, section) in read.evidence.segments.iter().zip(&report.sections) {
            let own = verify_disclosed(&read.evidence.head, KEYID, &read.evidence.signature, segments, &public_key());
            prop_assert_eq!(own.map(|(_, own)| own), Ok(bare(section)));
        }
        prop_assert_eq!(unsealed(read), report);
    }

    #[test]
    fn a_changed_byte_is_refused(report in reports(), place in any::<prop::sample::Index>(), bits in 1u8..128) {
        let mut forge = Forge::new(&report);
        forge.sign_again = false;
        let texts = [&mut forge.head].into_iter().chain(&mut forge.segments).chain(&mut forge.allocs);
        let mut bytes: Vec<(&mut String, usize)> = Vec::new();
        let texts: Vec<&mut String> = texts.collect();
        let lens: Vec<usize> = texts.iter().map(|text| text.len()).collect();
        let mut at = place.index(lens.iter().sum());
        for (text, len) in texts.into_iter().zip(lens) {
            if at < len {
                bytes.push((text, at));
                break;
            }
            at -= len;
        }
        let (text, at) = bytes.pop().expect("a byte to change");
        let mut changed = text.clone().into_bytes();
        changed[at] ^= bits;
        // What is no longer UTF-8 can't travel in JSON at all.
        prop_assume!(String::from_utf8(changed.clone()).is_ok());
        *text = String::from_utf8(changed).expect("just checked");
        let fate = open(forge.message().as_bytes(), usize::MAX).and_then(|sealed| sealed.verify(&public_key()));
        prop_assert_eq!(fate.map_err(|reject| reject.class()).err(), Some(RejectClass::Refused));
    }

    #[test]
    fn a_changed_signature_is_refused(place in 0..64usize, bits in 1u8..=255) {
        let mut sealed = sealed(&four_tenants()).bytes;
        let message = String::from_utf8(sealed.clone()).expect("text");
        let from = message.rfind("\"sig\":\"").expect("a signature") + 7;
        let mut sig = STANDARD.decode(&message[from..from + 88]).expect("base64");
        sig[place] ^= bits;
        sealed[from..from + 88].copy_from_slice(STANDARD.encode(sig).as_bytes());
        let fate = open(&sealed, MESSAGE_BYTES_MAX).and_then(|sealed| sealed.verify(&public_key()));
        prop_assert_eq!(fate.map_err(|reject| reject.code.as_str()).err(), Some("bad_signature"));
    }

    #[test]
    fn a_reading_arrives_as_it_was_sent(
        (source, id, project) in (text(), text(), option::of(text())),
        quantity in 0..9_007_199_254_740_992i64,
        (from, length) in (0..3_600_000i64, 1..3_600_000i64),
        labels in vec(text(), 0..8),
        by_key in any::<bool>(),
    ) {
        let from = reading().from.plus_millis(from);
        let key = || Holder::Key(TenantKey::new("k8s:prod/team-a").expect("a key"));
        let sent = Reading {
            source,
            id,
            project,
            quantity,
            from,
            to: from.plus_millis(length).min(from.hour().end()),
            labels: labels.into_iter().zip(0..).map(|(value, n)| (format!("label {n}"), value)).collect(),
            holder: if by_key { key() } else { reading().holder },
            ..reading()
        };
        prop_assert_eq!(decode_reading(&encode_reading(&sent)), Ok(sent));
    }

    #[test]
    fn bytes_never_panic(bytes in vec(any::<u8>(), 0..400)) {
        prop_assert!(open(&bytes, MESSAGE_BYTES_MAX).is_err());
        prop_assert!(decode_reading(&bytes).is_err());
        prop_assert!(Evidence::from_bytes(&bytes).is_err());
    }
}

/// A piece to be put somewhere, such as breaks parsers.
fn piece() -> impl Strategy<Value = String> {
    let pieces = [
        "",
        "{",
        "}",
        "[",
        "]",
        "\"",
        "\\",
        ",",
        ":",
        "null",
        "-",
        "0",
        "00",
        "1e99",
        "1.5",
        "NaN",
        "9007199254740991",
        "9223372036854775807",
        "18446744073709551616",
        "-9223372036854775808",
        "\"\\ud800\"",
        "\\u0000",
        "é",
        "🜁",
        "\u{301}",
        "{\"a\":{\"a\":[]}}",
        "[[0,1],[1,2]]",
        "GPU-",
        "::2",
        "\"v\":2,",
        "Z",
        "true",
        " ",
        "\n",
    ];
    select(pieces.to_vec()).prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    /// The parsers behind the signature get the same treatment as those before it: a node's key may be stolen.
    #[test]
    fn signed_nonsense_never_panics_and_never_counts_twice(
        base in select(vec![idle(), four_tenants(), mig_and_time_slicing()]),
        edits in vec((any::<prop::sample::Index>(), 0..30usize, piece(), 0..3u8), 1..4),
    ) {
        let mut forge = Forge::new(&base);
        for (place, cut, piece, which) in edits {
            let texts = match which {
                0 => vec![&mut forge.head],
                1 => forge.segments.iter_mut().collect(),
                _ => forge.allocs.iter_mut().collect(),
            };
            let Some(text) = texts.into_iter().next() else { continue };
            let at = place.index(text.len() + 1);
            let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let end = (at + cut..).find(|end| *end >= text.len() || text.is_char_boundary(*end)).unwrap_or(at);
            let before = releve_wire::sha256(text.as_bytes()).to_string();
            text.replace_range(at..end.min(text.len()), &piece);
            let after = releve_wire::sha256(text.as_bytes()).to_string();
            forge.head = forge.head.replace(&before, &after);
        }
        let message = forge.message();
        let Ok(sealed) = open(message.as_bytes(), MESSAGE_BYTES_MAX) else { return Ok(()) };
        let Ok(report) = sealed.verify(&public_key()) else { return Ok(()) };
        let length = report.head.window.end.since(report.head.window.start);
        let mut whole: Vec<(DeviceId, i64, i64)> = Vec::new();
        for segment in report.sections.iter().flat_map(|section| &section.segments) {
            prop_assert!(0 <= segment.start_ms && segment.start_ms < segment.end_ms && segment.end_ms <= length);
            if segment.share == Share::WHOLE {
                whole.push((segment.gpu, segment.start_ms, segment.end_ms));
            }
        }
        whole.sort_unstable();
        prop_assert!(whole.windows(2).all(|pair| pair[0].0 != pair[1].0 || pair[0].2 <= pair[1].1));
    }

    #[test]
    fn a_spoiled_message_never_panics(
        place in any::<prop::sample::Index>(),
        cut in 0..30usize,
        piece in piece(),
    ) {
        for mut bytes in [sealed(&mig_and_time_slicing()).bytes, encode_reading(&reading())] {
            let at = place.index(bytes.len());
            bytes.splice(at..(at + cut).min(bytes.len()), piece.bytes());
            if let Ok(sealed) = open(&bytes, MESSAGE_BYTES_MAX) {
                drop(sealed.verify(&public_key()));
            }
            drop(decode_reading(&bytes));
            drop(Evidence::from_bytes(&bytes));
        }
    }
}

/// Σ shares of a device against an oracle that tries every millisecond.
fn tiny_minutes() -> impl Strategy<Value = Vec<(usize, i64, i64, u32, u32)>> {
    let share = select(vec![(1, 1), (1, 2), (1, 3), (2, 3), (1, 4), (3, 4), (1, 7), (6, 7), (1, 20), (19, 20)]);
    vec((0..3usize, 0..8i64, 1..8i64, share), 0..7).prop_map(|uses| {
        uses.into_iter().map(|(tenant, at, len, (num, den))| (tenant, at, at + len, num, den)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_device_is_oversold_exactly_when_some_millisecond_is(uses in tiny_minutes()) {
        let mut report = four_tenants();
        report.sections.truncate(3);
        for section in &mut report.sections {
            section.segments.clear();
            section.allocs.clear();
        }
        for (n, &(tenant, from, to, num, den)) in uses.iter().enumerate() {
            let segment = Segment { share: Share { num, den }, ..held(gpu(1), &format!("{n}"), from, to) };
            report.sections[tenant].segments.push(segment);
        }
        let oversold = (0..20).any(|ms| {
            let at = uses.iter().filter(|(_, from, to, _, _)| (*from..*to).contains(&ms));
            at.map(|(.., num, den)| u64::from(*num) * 420 / u64::from(*den)).sum::<u64>() > 420
        });
        let fate = open(&sealed(&report).bytes, MESSAGE_BYTES_MAX).and_then(|sealed| sealed.verify(&public_key()));
        let code = fate.err().map(|reject| reject.code.as_str());
        prop_assert_eq!(code, oversold.then_some("device_oversold"));
    }
}

#[test]
fn a_signature_has_one_form() {
    let forge = Forge::new(&four_tenants());
    let honest = signing_key().sign(forge.head.as_bytes()).to_bytes();
    let text = STANDARD.encode(honest);
    for other in [format!("{text} "), text.trim_end_matches('=').to_owned(), text.replacen('=', "%", 1)] {
        let message = forge.message().replace(&text, &other);
        let code = open(message.as_bytes(), MESSAGE_BYTES_MAX).map_err(|reject| reject.code.as_str());
        assert_eq!(code.err(), Some("not_a_signature"), "{other}");
    }
}
