//! Which VAT ids are taken, which refused, and does a slip of the hand show? A table, a second opinion, and laws.

use proptest::prelude::*;
use releve_billing::tax::id::{NORTHERN_IRELAND, VatId, VatIdError, is_eu};

/// Prefix and country | ids of every kind that the country gives out, with the sums that fold to nothing | wrong check
/// digits | what has no form.
const TABLE: &str = "
AT AT | ATU13585627 ATU32699210 | ATU13585626 | ATU1358562 ATU135856270 AT13585627
BE BE | BE0428759497 BE0591738897 BE1963605741 | BE0428759498 BE2428759442 BE0000000097 | BE428759497 BE04287594970
BG BG | BG175074752 BG187535778 BG143629620 BG7407144938 BG8627189617 BG8527251392 BG3254966070 BG0811052124 BG9230310001 BG1050310004 | BG175074751 BG143629621 BG7407144937 BG7413144937 BG9229310005 BG1049310013 | BG17507475 BG000000000
CHE CH | CHE107787577MWST CHE107787577TVA CHE107787577IVA CHE014809798MWST | CHE107787578IVA | CHE107787577 CHE10778757MWST CHE107787577VAT
CY CY | CY10259033P CY64028099T | CY10259033Q CY12000000F | CY1025903P CY102590330
CZ CZ | CZ25123891 CZ25331060 CZ24361721 CZ600514054 CZ340811164 CZ9651125044 CZ7312258900 CZ1275115116 | CZ25123892 CZ95123890 CZ9656321004 CZ600514055 CZ341311164 CZ9651125045 CZ9656190490 | CZ2512389 CZ25123891000
DE DE | DE136695976 DE123456788 DE495131056 | DE136695978 | DE13669597 DE1366959760 DE036695976
DK DK | DK13585628 DK18234157 | DK13585627 | DK1358562 DK135856280 DK03585628
EE EE | EE100931558 EE243182455 | EE100931557 | EE10093155 EE1009315580
EL GR | EL094259216 EL367837770 | EL094259217 EL367837771 | EL94259216 EL0942592160 EL000000000
ES ES | ESA15338130 ESB58378431 ESC5178486F ESN7089720B ESQ3885156D ESU9691239I ESW3179019I ESK7759810R ESX2482300W ESY8610425K ESZ5793033M ES56489951L | ESB58378432 ESC5178486G ESX2482300A ES56489951M ESO1234567D EST1234567D ESI12345674 | ESB5837843 ES00000000T ESX0000000T ESA00000000 ESB583784310 ES5648-9951LL
FI FI | FI20774740 FI03389445 | FI20774741 | FI2077474 FI207747400
FR FR | FR83404833048 FR40303265045 FR13294659099 FRK7399859412 FR4Z399859412 FR53000004605 | FR84404833048 FR83404833049 FRK7399859413 FRI7399859412 FR7O399859412 FR54000004605 | FR8340483304 FR834048330480 FR404833048
GB GB | GB980780684 GB100190874 GB334555793 GB254025488348 GBGD000 GBGD499 GBHA500 | GB802311781 GBGD500 GBHA499 GB001234589 GB000000000001 GB300000899 | GB98078068 GB9807806842 GBGD10 GBXX100
HR HR | HR33392005961 HR66109386676 | HR33392005962 | HR3339200596 HR333920059610
HU HU | HU12892312 HU34083969 | HU12892313 | HU1289231 HU128923120
IE IE | IE6433435F IE6433435OA IE6433435RI IE0820313WH IE2964638WW IE8D79739I IE1+01682G IE2*56580Q | IE6433435E IE6433435OB IE6433435OT IE8D79739J IE6433435Z IE6433435BT IE6433435DJ | IE6433435 IE643343F IE643343500
IT IT | IT00743110157 IT47496751216 IT47496751208 IT47496758880 IT47496759995 IT49538181212 | IT00743110158 IT00000000018 IT00743112153 | IT0074311015 IT007431101570
LT LT | LT119511515 LT519062914 LT719139211 LT039735410 LT184322359412 LT161567397817 LT172408905210 | LT119511514 LT119511230 LT184322359413 | LT11951151 LT1195115150
LU LU | LU15027442 LU11922554 | LU15027443 | LU1502744 LU150274420
LV LV | LV40003521600 LV99415575791 LV16117514926 LV05080323531 LV32503511782 LV29029600050 LV29020020050 LV16117500090 | LV40003521601 LV16117514927 LV16137514926 LV16117534926 LV16117570055 LV31027510054 LV29020010070 | LV4000352160 LV400035216000
MT MT | MT11679112 MT10851637 | MT11679113 MT10851600 MT10851674 | MT1167911 MT116791120 MT01679112
NL NL | NL004495445B01 NL140096474B34 NL749519262B43 NL000099998B57 | NL123456789B90 NL004495446B01 NL004495445B00 NL000000000B01 | NL4495445B01 NL004495445A01 NL004495445B1
NO NO | NO995525828MVA NO313961699MVA | NO995525829MVA | NO995525828 NO99552582MVA NO000000000MVA
PL PL | PL8567346215 PL6032374209 | PL8567346216 | PL856734621 PL85673462150
PT PT | PT501964843 PT574225790 PT596291450 | PT501964842 PT574225791 | PT50196484 PT5019648430 PT001964843
RO RO | RO18547290 RO19032020 RO19 RO1752088547 | RO18547291 RO19032021 RO18 | RO1 RO17520885470 RO018547290
SE SE | SE556188840401 SE501815804701 SE556188840494 | SE556188840501 SE556188840400 SE556188840495 SE000000000001 | SE5561888404 SE5561888404010
SI SI | SI50223054 SI84858800 | SI50223055 SI86845500 | SI5022305 SI502230540 SI05022305
SK SK | SK2022749619 SK8043288297 | SK2022749618 | SK202274961 SK20227496190 SK0022749617
XI XI | XI980780684 XI334555793 XIHA501 | XI802311781 XIGD777 | XI98078068 XI9807806842
";

/// The digits of which one can't be changed for another without being seen, counted from behind the prefix. Where a sum
/// folds to nothing (BG, CZ, EL, LT, PT, RO) or an id may be of either of two kinds (GB, XI, NL), some can.
const GUARDED: [(&str, std::ops::Range<usize>); 22] = [
    ("AT", 0..9),
    ("BE", 0..10),
    ("CHE", 0..9),
    ("CY", 0..8),
    ("DE", 0..9),
    ("DK", 0..8),
    ("EE", 0..9),
    ("ES", 0..9),
    ("FI", 0..8),
    ("FR", 2..11),
    ("HR", 0..11),
    ("HU", 0..8),
    ("IE", 0..8),
    ("IT", 0..11),
    ("LU", 0..8),
    ("MT", 0..8),
    ("NO", 0..9),
    ("PL", 0..10),
    // The last two count registrations.
    ("SE", 0..10),
    ("SI", 0..8),
    ("SK", 0..10),
    // Of companies; the first digit says that it is one.
    ("LV", 1..11),
];

struct Row {
    prefix: &'static str,
    country: &'static str,
    taken: Vec<&'static str>,
    wrong: Vec<&'static str>,
    formless: Vec<&'static str>,
}

fn rows() -> Vec<Row> {
    let row = |line: &'static str| {
        let mut cells = line.split('|').map(|cell| cell.split_whitespace().collect::<Vec<_>>());
        let mut next = || cells.next().filter(|cell| !cell.is_empty()).unwrap_or_else(|| panic!("a cell in {line}"));
        let (of, taken, wrong, formless) = (next(), next(), next(), next());
        Row { prefix: of[0], country: of[1], taken, wrong, formless }
    };
    TABLE.trim().lines().map(row).collect()
}

fn parsed(text: &str) -> Result<VatId, VatIdError> {
    text.parse()
}

#[test]
fn ids_are_taken_or_refused_by_the_table() {
    for Row { prefix, country: iso, taken, wrong, formless } in rows() {
        for id in taken {
            let read = parsed(id).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((read.to_string().as_str(), read.country()), (id, iso));
        }
        for id in wrong {
            let expected = VatIdError::Checksum { id: id.to_owned(), country: prefix };
            assert_eq!(parsed(id), Err(expected), "{id}");
        }
        for id in formless {
            let error = parsed(id).expect_err(id);
            let VatIdError::Format { country, example, .. } = error else { panic!("{id}: {error}") };
            assert_eq!(country, prefix, "{id}");
            assert_eq!(parsed(example).map(|id| id.country()), Ok(iso), "an example is one");
        }
    }
}

#[test]
fn every_member_state_and_four_neighbours_are_known() {
    let rows = rows();
    let within = rows.iter().filter(|row| is_eu(row.country)).count();
    assert_eq!((rows.len(), within), (31, 27));
    assert_eq!(parsed("XI980780684").map(|id| id.country()), Ok(NORTHERN_IRELAND));
}

#[test]
fn spaces_dots_and_dashes_are_dropped() {
    for (written, read) in [
        ("FR 83.404.833.048", "FR83404833048"),
        ("fr\u{a0}83\u{202f}404\u{202f}833\u{202f}048", "FR83404833048"),
        ("che-107.787.577 mwst", "CHE107787577MWST"),
        (" NL 0044.95.445.B\u{2011}01\n", "NL004495445B01"),
        ("NO 995 525 828 MVA", "NO995525828MVA"),
    ] {
        assert_eq!(parsed(written).map(|id| id.to_string()).as_deref(), Ok(read));
    }
}

#[test]
fn what_is_none_is_said() {
    let said = |text: &str| parsed(text).expect_err(text).to_string();
    assert_eq!(
        said("US123"),
        "'US123' is no VAT id of the EU, GB, XI, CH or NO: it begins with the letters of its country"
    );
    assert_eq!(said("DE 12345678"), "'DE 12345678' is no VAT id of DE: one looks like DE136695976");
    assert_eq!(said("EL12345678"), "'EL12345678' is no VAT id of EL: one looks like EL094259216");
    assert_eq!(said("fr 84 404 833 048"), "the check digits of the VAT id FR84404833048 don't fit");
    for text in ["", " ", "D", "GR094259216", "EU372022452", "83404833048", "F", "Ä", "CH-"] {
        assert!(matches!(parsed(text), Err(VatIdError::UnknownPrefix(_))), "{text}");
    }
    for text in ["FRÀ0303265045", "LU1502744É", "DE/136695976", "DE\u{ff11}36695976", "IT0074311015\u{ff17}"] {
        assert!(matches!(parsed(text), Err(VatIdError::Format { .. })), "{text}");
    }
    let long = format!("DE{}", "9".repeat(1000));
    assert_eq!(said(&long).len(), said("DE9").len() + 40 - 3);
}

#[test]
fn one_digit_changed_is_seen() {
    for row in rows() {
        let Some((_, guarded)) = GUARDED.iter().find(|(prefix, _)| *prefix == row.prefix) else { continue };
        let own = row.prefix.len();
        let company = |id: &&str| row.prefix != "LV" || id.as_bytes()[own] > b'3';
        for good in row.taken.into_iter().filter(company) {
            let places = guarded.clone().map(|at| own + at);
            let mut slips = 0;
            for at in places.filter(|at| good.as_bytes().get(*at).is_some_and(u8::is_ascii_digit)) {
                for digit in ('0'..='9').filter(|digit| !good[at..].starts_with(*digit)) {
                    let mut other = good.to_owned();
                    other.replace_range(at..=at, &digit.to_string());
                    assert!(parsed(&other).is_err(), "{other}, from {good}");
                    slips += 1;
                }
            }
            assert!(slips >= 9 * 6, "{good} has digits to slip on");
        }
    }
}

/// The same rules, said as what a whole id leaves when it is divided: no way to get at a check digit, as in the code, but
/// the relation in which it stands.
struct Opinion {
    before: &'static str,
    weights: &'static [i64],
    after: &'static str,
    /// Whether a weighted sum and a check digit go together.
    fit: fn(i64, i64) -> bool,
}

const ELEVENS: fn(i64, i64) -> bool = |sum, check| (sum + check) % 11 == 0;
const TENS: fn(i64, i64) -> bool = |sum, check| (sum + check) % 10 == 0;

const OPINIONS: [Opinion; 14] = [
    Opinion { before: "DK", weights: &[2, 7, 6, 5, 4, 3, 2], after: "", fit: ELEVENS },
    Opinion { before: "FI", weights: &[7, 9, 10, 5, 8, 4, 2], after: "", fit: ELEVENS },
    Opinion { before: "NO", weights: &[3, 2, 7, 6, 5, 4, 3, 2], after: "MVA", fit: ELEVENS },
    Opinion { before: "CHE", weights: &[5, 4, 3, 2, 7, 6, 5, 4], after: "TVA", fit: ELEVENS },
    Opinion { before: "SK", weights: &[-1, 1, -1, 1, -1, 1, -1, 1, -1], after: "", fit: ELEVENS },
    Opinion {
        before: "PL",
        weights: &[6, 5, 7, 2, 3, 4, 5, 6, 7],
        after: "",
        fit: |sum, check| (sum - check) % 11 == 0,
    },
    Opinion { before: "EE", weights: &[3, 7, 1, 3, 7, 1, 3, 7], after: "", fit: TENS },
    Opinion { before: "HU", weights: &[9, 7, 3, 1, 9, 7, 3], after: "", fit: TENS },
    Opinion {
        before: "LV",
        weights: &[9, 1, 4, 8, 3, 10, 2, 5, 7, 6],
        after: "",
        fit: |sum, check| (sum + check - 3) % 11 == 0,
    },
    Opinion {
        before: "EL",
        weights: &[256, 128, 64, 32, 16, 8, 4, 2],
        after: "",
        fit: |sum, check| (sum - check) % 11 == 0 || (sum % 11 == 10 && check == 0),
    },
    Opinion {
        before: "PT",
        weights: &[9, 8, 7, 6, 5, 4, 3, 2],
        after: "",
        fit: |sum, check| (sum + check) % 11 == 0 || (sum % 11 == 1 && check == 0),
    },
    Opinion {
        before: "SI",
        weights: &[8, 7, 6, 5, 4, 3, 2],
        after: "",
        fit: |sum, check| ((sum + check) % 11 == 0 && check != 0) || (sum % 11 == 1 && check == 0),
    },
    Opinion {
        before: "RO",
        weights: &[7, 5, 3, 2, 1, 7, 5, 3, 2],
        after: "",
        fit: |sum, check| (10 * sum - check) % 11 == 0 || (sum % 11 == 1 && check == 0),
    },
    Opinion {
        before: "CZ",
        weights: &[8, 7, 6, 5, 4, 3, 2],
        after: "",
        fit: |sum, check| match sum % 11 {
            0 | 10 => check == 1,
            1 => check == 0,
            left => left + check == 11,
        },
    },
];

/// Two digits of check, by what the whole leaves.
fn two_digits_fit(before: &str, body: i64, check: i64) -> bool {
    match before {
        "BE" => (body + check) % 97 == 0 && (1..=97).contains(&check),
        "LU" => (body - check) % 89 == 0 && check < 89,
        "FR" => (body * 100 + 12 - check) % 97 == 0 && check < 97,
        other => panic!("no opinion on {other}"),
    }
}

proptest! {
    /// A first digit of 4 to 8 is one in all of them, and of a company where that counts.
    #[test]
    fn a_second_opinion_agrees_on_each_check_digit(first in 4_i64..9, rest in prop::collection::vec(0_i64..10, 9)) {
        for Opinion { before, weights, after, fit } in &OPINIONS {
            let body: Vec<i64> = std::iter::once(first).chain(rest.iter().copied()).take(weights.len()).collect();
            let sum: i64 = body.iter().zip(*weights).map(|(digit, weight)| digit * weight).sum();
            let shown: String = body.iter().map(i64::to_string).collect();
            for check in 0..10 {
                let id = format!("{before}{shown}{check}{after}");
                prop_assert_eq!(parsed(&id).is_ok(), fit(sum, check), "{}", id);
            }
        }
    }

    #[test]
    fn a_second_opinion_agrees_on_each_pair_of_check_digits(body in 1_000_000_i64..20_000_000) {
        for check in 0..100 {
            let be = format!("BE{body:08}{check:02}");
            prop_assert_eq!(parsed(&be).is_ok(), two_digits_fit("BE", body, check), "{}", be);
            let six = body % 1_000_000;
            let lu = format!("LU{six:06}{check:02}");
            let something = six + check > 0;
            prop_assert_eq!(parsed(&lu).is_ok(), something && two_digits_fit("LU", six, check), "{}", lu);
            // Monaco's have no check digit of their own, so that the key alone decides.
            let fr = format!("FR{check:02}000{six:06}");
            prop_assert_eq!(parsed(&fr).is_ok(), six > 0 && two_digits_fit("FR", six, check), "{}", fr);
        }
    }

    /// Whatever is sent, it is taken as itself or refused.
    #[test]
    fn what_is_taken_is_taken_again(
        text in "(AT|BE|BG|CHE|CY|CZ|DE|EL|ES|FR|GB|IE|LV|NL|RO|XI)?[0-9A-Zb+*é .-]{0,14}(MWST)?",
    ) {
        if let Ok(id) = parsed(&text) {
            prop_assert_eq!(parsed(&id.to_string()), Ok(id));
        }
    }
}
