//! Is every code of its list? Rules BR-CL-10, 11, 14, 22 and 25; the other lists are enums and can't be missed.

use super::Findings;
use crate::einvoice::{EInvoice, Identifier, Party, xml::given};

/// Countries (ISO 3166-1 alpha-2, with `1A` Kosovo and `XI` Northern Ireland as the official list has them).
const COUNTRIES: &str = "1A AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW \
    BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ \
    FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ \
    IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH \
    MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL \
    PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD \
    TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XI YE YT ZA ZM ZW";

/// Electronic address schemes (the European Commission's EAS list).
const ADDRESS_SCHEMES: &str = "0002 0007 0009 0037 0060 0088 0096 0097 0106 0130 0135 0142 0147 0151 0154 0158 0170 0177 0183 0184 0188 \
    0190 0191 0192 0193 0194 0195 0196 0198 0199 0200 0201 0202 0203 0204 0205 0208 0209 0210 0211 0212 0213 \
    0215 0216 0217 0218 0219 0220 0221 0225 0230 0235 0240 0242 0244 0245 0246 0248 9910 9913 9914 9915 9918 \
    9919 9920 9922 9923 9924 9925 9926 9927 9928 9929 9930 9931 9932 9933 9934 9935 9936 9937 9938 9939 9940 \
    9941 9942 9943 9944 9945 9946 9947 9948 9949 9950 9951 9952 9953 9957 9959 AN AQ AS AU EM";

/// VAT exemption reasons (the European Commission's VATEX list), without their prefix `VATEX-`.
const EXEMPTIONS: &str = "EU-132 EU-132-1A EU-132-1B EU-132-1C EU-132-1D EU-132-1E EU-132-1F EU-132-1G EU-132-1H EU-132-1I EU-132-1J \
    EU-132-1K EU-132-1L EU-132-1M EU-132-1N EU-132-1O EU-132-1P EU-132-1Q EU-135-1 EU-143 EU-143-1A EU-143-1B \
    EU-143-1C EU-143-1D EU-143-1E EU-143-1F EU-143-1FA EU-143-1G EU-143-1H EU-143-1I EU-143-1J EU-143-1K \
    EU-143-1L EU-144 EU-146-1E EU-148 EU-148-A EU-148-B EU-148-C EU-148-D EU-148-E EU-148-F EU-148-G EU-151 \
    EU-151-1A EU-151-1AA EU-151-1B EU-151-1C EU-151-1D EU-151-1E EU-153 EU-159 EU-309 EU-79-C EU-AE EU-D EU-F \
    EU-G EU-I EU-IC EU-J EU-O FR-298SEXDECIESA FR-AE FR-CGI261-1 FR-CGI261-2 FR-CGI261-3 FR-CGI261-4 FR-CGI261-5 \
    FR-CGI261-7 FR-CGI261-8 FR-CGI261A FR-CGI261B FR-CGI261C-1 FR-CGI261C-2 FR-CGI261C-3 FR-CGI261D-1 \
    FR-CGI261D-1BIS FR-CGI261D-2 FR-CGI261D-3 FR-CGI261D-4 FR-CGI261E-1 FR-CGI261E-2 FR-CGI275 FR-CGI277A \
    FR-CGI295 FR-CNWVAT FR-FRANCHISE";

/// Identifier schemes (ISO 6523 ICD) run on from 0002 to 0248, but for these.
const SCHEMES_FIRST: u16 = 2;
const SCHEMES_LAST: u16 = 248;
const SCHEMES_VOID: [u16; 4] = [92, 103, 181, 182];

pub(super) fn check(invoice: &EInvoice, found: &mut Findings) {
    party(&invoice.seller.party, "seller.party", ["BT-29", "BT-30", "BT-34", "BT-40"], found);
    party(&invoice.buyer, "buyer", ["BT-46", "BT-47", "BT-49", "BT-55"], found);
    if let Some(to) = invoice.delivery.as_ref().and_then(|d| d.address.as_ref()) {
        country(&to.country, "BT-80 delivery.address.country", found);
    }
    for (n, part) in invoice.vat.iter().enumerate() {
        let Some(code) = given(&part.reason_code) else { continue };
        let known = code.strip_prefix("VATEX-").is_some_and(|c| is_in(EXEMPTIONS, c));
        let message = format!("'{code}' is no code of the VATEX list: take one of it, or give the reason in words");
        found.want(known, "BR-CL-22", format!("BT-121 vat[{n}].reason_code"), message);
    }
}

fn party(party: &Party, at: &str, [ids, legal, endpoint, land]: [&str; 4], found: &mut Findings) {
    for (n, id) in party.ids.iter().enumerate() {
        scheme(id, is_scheme, "BR-CL-10", &format!("{ids} {at}.ids[{n}].scheme"), found);
    }
    if let Some(id) = &party.legal_id {
        scheme(id, is_scheme, "BR-CL-11", &format!("{legal} {at}.legal_id.scheme"), found);
    }
    if let Some(id) = &party.endpoint {
        let known = |scheme: &str| is_in(ADDRESS_SCHEMES, scheme);
        scheme(id, known, "BR-CL-25", &format!("{endpoint} {at}.endpoint.scheme"), found);
    }
    country(&party.address.country, &format!("{land} {at}.address.country"), found);
}

fn scheme(id: &Identifier, known: impl Fn(&str) -> bool, rule: &'static str, field: &str, found: &mut Findings) {
    if let Some(scheme) = given(&id.scheme) {
        let message = format!("'{scheme}' is no scheme of the list (ISO 6523, or EAS for an electronic address)");
        found.want(known(scheme), rule, field, message);
    }
}

/// An empty one is BR-09's, BR-11's or BR-57's to report.
fn country(code: &str, field: &str, found: &mut Findings) {
    let message = format!("'{code}' is no country's code: two capital letters of ISO 3166-1");
    found.want(code.trim().is_empty() || is_country(code), "BR-CL-14", field, message);
}

pub(super) fn is_country(code: &str) -> bool {
    is_in(COUNTRIES, code)
}

/// Whether a list, its words parted by one space, has the word.
pub(super) fn is_in(list: &str, code: &str) -> bool {
    list.split(' ').any(|known| known == code)
}

fn is_scheme(code: &str) -> bool {
    let four = code.len() == 4 && code.bytes().all(|b| b.is_ascii_digit());
    let number = code.parse().ok().filter(|_| four);
    number.is_some_and(|n: u16| (SCHEMES_FIRST..=SCHEMES_LAST).contains(&n) && !SCHEMES_VOID.contains(&n))
}
