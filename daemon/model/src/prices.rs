//! Which prices a Snapshot goes by: the region, what Fargate costs there, where the figures come from and of what day.
//!
//! Prices of single offers stand in the offers themselves. Deliberately absent: a factor between regions. Where nobody
//! has told what something costs in a region it has no price there. Sources of the built-in figures: the published
//! on-demand prices of us-east-1, Linux.

use crate::fargate::{FREE_EPHEMERAL, FargateRates, FargateSize};
use crate::money::UsdPerHour;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The region whose prices are built in, and the one that is assumed where nothing tells another.
pub const BUILT_IN_REGION: &str = "us-east-1";
/// Day of the built-in prices of Fargate.
pub const BUILT_IN_FARGATE_DATE: &str = "2026-03-10";
/// Day of the built-in prices of EC2.
pub const BUILT_IN_EC2_DATE: &str = "2026-07-20";

/// Who told a price.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PriceOrigin {
    /// The table that is built in.
    BuiltIn,
    /// A file of the operator's.
    File {
        /// The file.
        name: String,
        /// Where its figures come from, as it says itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        says: Option<String>,
    },
    /// The Price List API of AWS.
    PriceList,
}

impl fmt::Display for PriceOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built-in"),
            Self::File { name, says: None } => f.write_str(name),
            Self::File {
                name,
                says: Some(says),
            } => write!(f, "{name} ({says})"),
            Self::PriceList => f.write_str("AWS Price List"),
        }
    }
}

/// Where figures come from, and of what day they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PriceSource {
    /// Who told them.
    pub origin: PriceOrigin,
    /// `2026-03-10`: the day of the table or of the file, or when the Price List was read; `None`: not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

/// What Fargate costs in the region of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FargatePrices {
    /// Linux on x86: what pods on EKS pay.
    pub rates: FargateRates,
    /// Linux on ARM, which only ECS sells; `None`: not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<FargateRates>,
    /// Where they come from.
    pub source: PriceSource,
}

impl FargatePrices {
    /// The built-in prices, those of [`BUILT_IN_REGION`].
    pub fn built_in() -> Self {
        Self {
            rates: FargateRates::US_EAST_1,
            arm: Some(FargateRates::US_EAST_1_ARM),
            source: PriceSource {
                origin: PriceOrigin::BuiltIn,
                date: Some(BUILT_IN_FARGATE_DATE.to_owned()),
            },
        }
    }
}

/// The prices of a Snapshot. The default is what every plan went by before prices were told: Fargate at the built-in
/// rates, whatever the region; so records of that time replay as they were decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// Region of the cluster.
    pub region: String,
    /// Nothing told the region: it is assumed.
    #[serde(default)]
    pub assumed: bool,
    /// On-demand prices of EC2; `None`: nobody has told them for the region, or by whom they were is not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ec2: Option<PriceSource>,
    /// Prices of Fargate; `None`: nobody has told them for the region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fargate: Option<FargatePrices>,
}

impl Default for Prices {
    fn default() -> Self {
        Self {
            region: BUILT_IN_REGION.to_owned(),
            assumed: true,
            ec2: None,
            fargate: Some(FargatePrices::built_in()),
        }
    }
}

impl Prices {
    /// Whether they are the default, which records leave out.
    pub fn are_default(&self) -> bool {
        *self == Self::default()
    }

    /// What a size of Fargate costs for pods on EKS.
    pub fn fargate_size(&self, size: FargateSize) -> Option<UsdPerHour> {
        self.fargate.as_ref().map(|fargate| fargate.rates.of(size))
    }

    /// What the ephemeral storage costs that a pod on Fargate asks for; nothing up to [`FREE_EPHEMERAL`] in every
    /// region, and beyond it only where the region's rates are known.
    pub fn fargate_storage(&self, ephemeral_bytes: i64) -> Option<UsdPerHour> {
        if ephemeral_bytes <= FREE_EPHEMERAL {
            return Some(UsdPerHour::ZERO);
        }
        let fargate = self.fargate.as_ref()?;
        Some(fargate.rates.of_storage(ephemeral_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::GIB;

    #[test]
    fn storage_has_a_price_where_it_is_free_or_the_rates_are_known() {
        let known = Prices::default();
        let unknown = Prices {
            fargate: None,
            ..Prices::default()
        };
        for (gib, at_known, at_unknown) in [
            (0, Some(0), Some(0)),
            (20, Some(0), Some(0)),
            (21, Some(111_000), None),
        ] {
            let bytes = gib * GIB;
            assert_eq!(known.fargate_storage(bytes), at_known.map(UsdPerHour));
            assert_eq!(unknown.fargate_storage(bytes), at_unknown.map(UsdPerHour));
        }
    }
}
