//! What is sold? Device model + slice profile + share + standard or spot + region, or another meter.

use std::{fmt, str::FromStr, sync::Arc};

/// A thing with a price. Its text form is its identity: `gpu/<model>/<profile>/<num>:<den>/<class>/<region>`
/// for held GPU time, `meter/<name>/<region>` for any other metered quantity, `fee/<name>` for what is owed whatever is used. Each of a month's
/// many rows has one, so clones share their parts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Sku {
    Gpu { model: Arc<str>, profile: Option<Arc<str>>, share: Share, spot: bool, region: Arc<str> },
    Meter { meter: Arc<str>, region: Arc<str> },
    Fee { name: Arc<str> },
}

/// The part of a time-sliced device that was held: 1/1 unless it is shared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Share {
    pub num: u32,
    pub den: u32,
}

impl Share {
    pub const WHOLE: Self = Self { num: 1, den: 1 };
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SkuError {
    #[error(
        "'{0}' is no SKU: expected gpu/<model>/<profile or whole>/<num>:<den>/<standard or spot>/<region>, meter/<name>/<region> or fee/<name>"
    )]
    Shape(String),
    #[error("'{0}' is no part of a SKU: 1 to 64 of a-z, 0-9, '.', '+', '_' and '-'")]
    Part(String),
}

/// The longest part of a SKU's text, in bytes.
pub const SKU_PART_BYTES_MAX: usize = 64;

/// Spells a model or a region as a SKU's part: lower case, spaces become '-', anything else is dropped.
pub fn slug(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars().map(|c| c.to_ascii_lowercase()) {
        match c {
            'a'..='z' | '0'..='9' | '.' | '+' | '_' => out.push(c),
            ' ' | '-' | '/' if !out.ends_with('-') && !out.is_empty() => out.push('-'),
            _ => {}
        }
    }
    out.truncate(SKU_PART_BYTES_MAX);
    out.trim_end_matches('-').to_owned()
}

fn checked(part: &str) -> Result<Arc<str>, SkuError> {
    let known = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '.' | '+' | '_' | '-');
    if part.is_empty() || part.len() > SKU_PART_BYTES_MAX || !part.chars().all(known) {
        return Err(SkuError::Part(part.chars().take(80).collect()));
    }
    Ok(part.into())
}

impl Sku {
    /// Held time of one device. Names are slugged, so that "NVIDIA H100 80GB HBM3" is one SKU however spelled.
    pub fn gpu(model: &str, profile: Option<&str>, share: Share, spot: bool, region: &str) -> Result<Self, SkuError> {
        let profile = profile.map(slug).map(|p| checked(&p)).transpose()?;
        Ok(Self::Gpu { model: checked(&slug(model))?, profile, share, spot, region: checked(&slug(region))? })
    }

    pub fn meter(meter: &str, region: &str) -> Result<Self, SkuError> {
        Ok(Self::Meter { meter: checked(meter)?, region: checked(&slug(region))? })
    }

    pub fn fee(name: &str) -> Result<Self, SkuError> {
        Ok(Self::Fee { name: checked(name)? })
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gpu { model, profile, share, spot, region } => {
                let profile = profile.as_deref().unwrap_or("whole");
                let class = if *spot { "spot" } else { "standard" };
                write!(f, "gpu/{model}/{profile}/{}:{}/{class}/{region}", share.num, share.den)
            }
            Self::Meter { meter, region } => write!(f, "meter/{meter}/{region}"),
            Self::Fee { name } => write!(f, "fee/{name}"),
        }
    }
}

impl FromStr for Sku {
    type Err = SkuError;
    fn from_str(text: &str) -> Result<Self, SkuError> {
        let shape = || SkuError::Shape(text.chars().take(200).collect());
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            ["gpu", model, profile, share, class, region] => {
                let (num, den) = share.split_once(':').ok_or_else(shape)?;
                let share = Share { num: num.parse().map_err(|_| shape())?, den: den.parse().map_err(|_| shape())? };
                if share.num == 0 || share.num > share.den {
                    return Err(shape());
                }
                let spot = match *class {
                    "spot" => true,
                    "standard" => false,
                    _ => return Err(shape()),
                };
                let profile = (*profile != "whole").then(|| checked(profile)).transpose()?;
                Ok(Self::Gpu { model: checked(model)?, profile, share, spot, region: checked(region)? })
            }
            ["meter", meter, region] => Ok(Self::Meter { meter: checked(meter)?, region: checked(region)? }),
            ["fee", name] => Self::fee(name),
            _ => Err(shape()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_one_way() {
        let sku = Sku::gpu("NVIDIA H100 80GB HBM3", Some("1g.10gb"), Share::WHOLE, false, "eu-west").expect("a SKU");
        assert_eq!(sku.to_string(), "gpu/nvidia-h100-80gb-hbm3/1g.10gb/1:1/standard/eu-west");
        assert_eq!(sku.to_string().parse(), Ok(sku));
        assert_eq!(
            "meter/storage/eu-west".parse(),
            Ok(Sku::Meter { meter: "storage".into(), region: "eu-west".into() })
        );
        assert_eq!("fee/premium-support".parse(), Ok(Sku::Fee { name: "premium-support".into() }));
        for bad in [
            "gpu/a",
            "fee/",
            "fee/a/b",
            "gpu/a/whole/2:1/spot/x",
            "gpu/a/whole/0:1/spot/x",
            "gpu/A/whole/1:1/spot/x",
            "",
            "meter//x",
        ] {
            assert!(bad.parse::<Sku>().is_err(), "{bad}");
        }
    }
}
