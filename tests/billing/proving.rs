//! Does an invoice's evidence pack make it again, is every byte of it watched, and is nothing of a neighbour in it?

use releve_jobs::{correct, documents, pack::pack, void};
use releve_store::invoices::InvoiceHead;
use releve_tests::world::Hold;
use releve_verify::{Pack, StepOutcome, verify};

use crate::bench::{Bench, HOUR, later};

/// Random changes that are made to packs.
const CHANGES: usize = 200;

async fn packs(bench: &Bench) -> Vec<(InvoiceHead, Vec<u8>)> {
    documents::run(&bench.db, later()).await.expect("they are rendered");
    let mut heads: Vec<InvoiceHead> = bench.invoices().await.into_iter().filter(|h| h.stamp.is_some()).collect();
    heads.sort_by_key(|head| (head.account, head.book));
    let mut packs = Vec::new();
    for head in heads {
        let made = pack(&bench.db, head.id).await.expect("made").expect("there");
        assert_eq!(pack(&bench.db, head.id).await.expect("made").expect("there"), made, "the same bytes");
        packs.push((head, made));
    }
    packs
}

/// What each step found, as in `pack holds`.
fn steps(bytes: &[u8]) -> Vec<String> {
    let word = |outcome| match outcome {
        StepOutcome::Holds => "holds",
        StepOutcome::Fails => "fails",
        StepOutcome::NotShown => "not shown",
    };
    verify(bytes).steps.iter().map(|step| format!("{} {}", step.step, word(step.outcome))).collect()
}

const ALL_HOLD: [&str; 6] =
    ["pack holds", "document holds", "digest holds", "amounts holds", "reports holds", "usage holds"];

/// Two tenants on one node, one of them corrected up and taken back whole.
async fn world() -> Bench {
    let bench = Bench::new(2, 2, 2).await;
    bench.state(1, releve_store::nodes::ServiceState::Maintenance, 0).await;
    bench.counted(vec![bench.hour(0, 0, &[0, 1, 1]), bench.hour(0, 1, &[1, 0])]).await;
    assert_eq!(bench.issue().await.issued_now, 2);
    bench.counted(vec![bench.hour(1, 1, &[0])]).await;
    assert_eq!(correct(&bench.db, bench.order(), later()).await.expect("corrected"), 1);
    let (account, reason, by) = (bench.world.tenants[0].account, "by mistake".to_owned(), "test".to_owned());
    assert!(void(&bench.db, bench.order(), account, reason, by, later()).await.expect("voided"));
    bench
}

#[tokio::test]
async fn every_document_is_made_again_of_its_pack() {
    let bench = world().await;
    let packs = packs(&bench).await;
    assert_eq!(packs.len(), 4, "an invoice each, a correction and a credit note");
    for (head, bytes) in &packs {
        let verdict = verify(bytes);
        assert!(verdict.holds(), "{verdict}");
        let number = head.stamp.as_ref().map(|stamp| stamp.number.to_string());
        assert_eq!(verdict.number, number);
        // Reports that came in the moment in which an invoice was issued can't be told from those that came after; and what takes all
        // back rests on nothing that was used.
        let is_first = head.book == 1 && bench.world.tenants[0].account == head.account;
        if is_first || head.total.is_negative() {
            let [pack, document, digest, amounts, ..] = ALL_HOLD;
            assert_eq!(steps(bytes), [pack, document, digest, amounts, "reports not shown"], "{verdict}");
        } else {
            assert_eq!(steps(bytes), ALL_HOLD, "{verdict}");
        }
    }
}

#[tokio::test]
async fn no_changed_byte_passes() {
    let bench = world().await;
    let packs = packs(&bench).await;
    for n in 0..CHANGES {
        let (head, bytes) = &packs[n % packs.len()];
        // The same places in every run, as chance would have them.
        let chance = releve_wire::sha256(&n.to_be_bytes()).0;
        let place = chance.first_chunk().map(|bytes| usize::from_be_bytes(*bytes)).expect("eight bytes");
        let (mut changed, at) = (bytes.clone(), place % bytes.len());
        let to = if changed[at] == chance[31] { chance[31] ^ 1 } else { chance[31] };
        changed[at] = to;
        let verdict = verify(&changed);
        assert!(!verdict.holds(), "{}: byte {at} as {to}: {verdict}", head.id);
    }
    for (_, bytes) in &packs {
        assert!(!verify(&bytes[..bytes.len() - 1]).holds(), "cut short");
        assert!(!verify(&[&bytes[..], &[0]].concat()).holds(), "goes on");
    }
    assert!(!verify(b"").holds() && !verify(b"no archive").holds());
}

/// Whoever writes a pack anew, with sums that fit, changes no figure unseen.
#[tokio::test]
async fn no_forged_pack_passes() {
    let bench = world().await;
    let packs = packs(&bench).await;
    let of = |tenant: usize, book| {
        let account = bench.world.tenants[tenant].account;
        let found = packs.iter().find(|(head, _)| head.account == account && head.book == book);
        Pack::from_bytes(&found.expect("there").1).expect("a pack")
    };
    let failing = |pack: &Pack| {
        let bytes = pack.to_bytes().expect("written");
        steps(&bytes).into_iter().find(|step| step.ends_with("fails"))
    };
    let text = |body: &[u8]| String::from_utf8(body.to_vec()).expect("text");
    let sound = of(1, 1);
    assert_eq!(steps(&sound.to_bytes().expect("written")), ALL_HOLD);
    let invoice = text(&sound.invoice);
    let with = |invoice: String| Pack { invoice: invoice.into_bytes(), ..sound.clone() };
    // A figure alone, a line that multiplies out anew, another due date's order, and a price of the basis.
    let once = |from: &str, to: &str| invoice.replacen(from, to, 1);
    assert_eq!(
        failing(&with(once("\"payable\": \"9.00\"", "\"payable\": \"8.00\""))).as_deref(),
        Some("document fails")
    );
    assert_eq!(failing(&with(invoice.replace("\"book\": 1", "\"book\": 2"))).as_deref(), Some("digest fails"));
    let cheaper = sound.basis.replace("\t2.5\n", "\t2.4\n");
    assert_ne!(cheaper, sound.basis);
    assert_eq!(failing(&Pack { basis: cheaper, ..sound.clone() }).as_deref(), Some("digest fails"));
    // All that is printed raised alike: it adds up, and does not follow.
    let raised =
        [("7.50", "10.00"), ("1.50", "2.00"), ("9.00", "12.00"), ("\"metered\": 10800000", "\"metered\": 14400000")];
    let raised = raised.iter().fold(invoice.clone(), |text, (from, to)| text.replace(from, to));
    let raised = raised.replace("\"billed\": 10800000", "\"billed\": 14400000");
    assert_eq!(failing(&with(raised)).as_deref(), Some("amounts fails"));
    // A report left out, told twice, changed, or of somebody else.
    let reports = |change: &dyn Fn(&mut Vec<releve_verify::Disclosed>)| {
        let (fleet, mut reports) = sound.reports.clone().expect("reports");
        change(&mut reports);
        failing(&Pack { reports: Some((fleet, reports)), ..sound.clone() })
    };
    let fails = Some("reports fails");
    assert_eq!(reports(&|all| drop(all.pop())).as_deref(), fails);
    assert_eq!(reports(&|all| all.push(all[0].clone())).as_deref(), fails);
    assert_eq!(
        reports(&|all| all[0].segments[0] = all[0].segments[0].replace("\"end_ms\":3600000", "\"end_ms\":1800000"))
            .as_deref(),
        fails
    );
    assert_eq!(reports(&|all| all[0].head = all[0].head.replace("\"seq\":", "\"seq\": ")).as_deref(), fails);
    assert_eq!(reports(&|all| all[0].segments.clear()).as_deref(), None, "it is signed, but shows nothing");
    // A correction without what it corrects.
    let correction = of(0, 2);
    assert_eq!(failing(&Pack { before: Vec::new(), ..correction }).as_deref(), Some("document fails"));
}

/// A tenant's pack is its own, though the node was shared: not a key, not an allocation, not a section of the other's.
#[tokio::test]
async fn a_pack_holds_nothing_of_a_neighbour() {
    let bench = Bench::new(1, 2, 1).await;
    let [own, other] = [0, 1].map(|n| bench.world.tenants[n].clone());
    let holds = [
        Hold::new(&own.key, 0, "own-work", 0, HOUR),
        Hold::new(&other.key, 1, "secret-of-the-neighbour", 0, HOUR),
        Hold::new(&other.key, 2, "another-secret", 0, HOUR / 2),
    ];
    bench.counted(vec![bench.world.nodes[0].report(crate::bench::at(0), HOUR, &holds)]).await;
    assert_eq!(bench.issue().await.issued_now, 2);
    for (head, bytes) in packs(&bench).await {
        let is_own = head.account == own.account;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let of = |name: &str| text.contains(name);
        assert_eq!(steps(&bytes), ALL_HOLD);
        assert_eq!((of("own-work"), of("secret-of-the-neighbour"), of("another-secret")), (is_own, !is_own, !is_own));
        for (holder, is_there) in [(&own, is_own), (&other, !is_own)] {
            for name in [holder.key.as_str(), &holder.tenant.to_string(), &holder.account.to_string(), &holder.name] {
                assert_eq!(of(name), is_there, "{name}");
            }
        }
    }
}
