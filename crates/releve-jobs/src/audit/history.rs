//! What did the catalog say when a report was judged? Its rows of every version, asked as of one.

use std::collections::BTreeMap;

use releve_store::{
    StoreError, Tx,
    audit::{self, Dated},
};
use releve_types::{NodeId, TenantId, TenantKey, Timestamp};

/// Rows of one kind, by what they are about.
#[derive(Debug)]
struct Rows<K, T>(BTreeMap<K, Vec<(Timestamp, i64, T)>>);

impl<K: Ord, T> Rows<K, T> {
    fn new(rows: Vec<Dated<K, T>>) -> Self {
        let mut by: BTreeMap<K, Vec<(Timestamp, i64, T)>> = BTreeMap::new();
        for row in rows {
            by.entry(row.of).or_default().push((row.from, row.version, row.value));
        }
        for rows in by.values_mut() {
            rows.sort_by_key(|(from, version, _)| (*from, *version));
        }
        Self(by)
    }

    /// What held at an instant: of the rows known in a version, the latest that had begun, and of those the latest
    /// made.
    fn at(&self, of: &K, instant: Timestamp, version: i64) -> Option<&T> {
        let rows = self.0.get(of)?.iter().rev();
        let mut known = rows.filter(|(from, made, _)| *from <= instant && *made <= version);
        known.next().map(|(_, _, value)| value)
    }
}

#[derive(Debug)]
pub struct History {
    rules: Rows<TenantKey, Option<TenantId>>,
    regions: Rows<NodeId, String>,
    keys: Rows<(NodeId, String), Option<[u8; 32]>>,
}

impl History {
    pub async fn load(tx: &mut Tx) -> Result<Self, StoreError> {
        Ok(Self {
            rules: Rows::new(audit::rule_history(tx).await?),
            regions: Rows::new(audit::region_history(tx).await?),
            keys: Rows::new(audit::key_history(tx).await?),
        })
    }

    pub fn tenant(&self, key: &TenantKey, at: Timestamp, version: i64) -> Option<TenantId> {
        self.rules.at(key, at, version).copied().flatten()
    }

    pub fn region(&self, node: NodeId, at: Timestamp, version: i64) -> Option<&str> {
        self.regions.at(&node, at, version).map(String::as_str)
    }

    pub fn public_key(&self, node: NodeId, keyid: &str, at: Timestamp, version: i64) -> Option<[u8; 32]> {
        self.keys.at(&(node, keyid.to_owned()), at, version).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_version_is_not_known_yet() {
        let at = Timestamp::from_millis;
        let row = |from, version, value| Dated { of: 'k', from: at(from), version, value };
        let rows = Rows::new(vec![row(0, 1, "first"), row(100, 2, "change"), row(50, 5, "reaches back")]);
        assert_eq!(rows.at(&'k', at(70), 4), Some(&"first"));
        assert_eq!(rows.at(&'k', at(70), 5), Some(&"reaches back"));
        assert_eq!(rows.at(&'k', at(100), 5), Some(&"change"));
        assert_eq!(rows.at(&'k', at(-1), 5), None);
        assert_eq!(rows.at(&'x', at(0), 5), None);
    }
}
