//! Which countries are of the Union for VAT on services?

/// The member states, as ISO 3166 names them.
const MEMBER_STATES: [&str; 27] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// Whether services in this country (ISO 3166) are supplied within the Union (Directive 2006/112/EC, Art. 5(2)).
///
/// - Monaco is: what happens there is treated as if it did in France (Art. 7(1) and (2)).
/// - Northern Ireland is not: the Union's VAT law holds there for goods alone (Windsor Framework, Art. 8 and annex 3),
///   and metered computing is a service.
/// - Territories with a code of their own that Art. 6(1) leaves out are not, such as Åland (`AX`) and Réunion (`RE`). The
///   Canary Islands, Heligoland and other places that ISO counts to their country can't be told apart here.
pub fn is_eu(country: &str) -> bool {
    country == "MC" || MEMBER_STATES.contains(&country)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_union_is_twenty_seven_states_and_monaco() {
        assert!(MEMBER_STATES.is_sorted() && MEMBER_STATES.iter().all(|state| is_eu(state)));
        assert!(is_eu("MC"));
        for beyond in ["GB", "XI", "CH", "NO", "US", "AX", "RE", "IM", "SM", "EL", "fr", ""] {
            assert!(!is_eu(beyond), "{beyond}");
        }
    }
}
