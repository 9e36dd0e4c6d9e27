//! The prices that a plan goes by: what is brought for which region, and how the answer names them.
//!
//! A list of another region than the cluster's is refused: a wrong price looks as right as a good one, and `--region`
//! is there for who wants it all the same. No figure is converted from one region to another.

use crate::exit::Unreadable;
use crate::input;
use crate::output::{self, plain};
use manifest::{ClusterBuilder, PriceList};
use model::Snapshot;
use model::group::GroupKind;
use model::prices::{FargatePrices, PriceSource, Prices};
use model::{UsdPerHour, fargate::FargateRates};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// What prices to go by.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct PriceArgs {
    /// What can be bought of EC2: CSV, plain or .gz; without it a small built-in list, of us-east-1 alone.
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) offers: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) fargate: FargateArgs,
}

/// What Fargate costs, and where.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct FargateArgs {
    /// What Fargate costs: CSV with region, vcpu_usd_h, gb_usd_h, storage_gb_usd_h; without it built-in rates, of
    /// us-east-1 alone.
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) fargate_rates: Option<PathBuf>,
    /// Region that the cluster is in; else what its nodes tell.
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
}

impl PriceArgs {
    /// Reads what is brought, and refuses a list that is not of the cluster's region.
    pub(crate) fn read(&self, cluster: &ClusterBuilder) -> anyhow::Result<PriceList> {
        let mut list = match &self.offers {
            None => manifest::built_in(),
            Some(path) => offers(path)?,
        };
        self.fargate.add(&mut list)?;
        let told = self.fargate.prices(&list, cluster)?;
        if let Some(own) = list.region.as_deref().filter(|own| *own != told.region) {
            return Err(Unreadable::new(plain(&self.not_of(&told.region, own))).into());
        }
        Ok(list)
    }

    fn not_of(&self, region: &str, own: &str) -> String {
        let flag = self.fargate.region.as_ref();
        let who = flag.map_or_else(
            || format!("--cluster: its region is {region}"),
            |_| format!("--region {region}"),
        );
        let instead = if flag.is_some() {
            String::new()
        } else {
            format!(", or plan at the prices of {own} with --region {own}")
        };
        match &self.offers {
            None => format!(
                "{who}, and the built-in prices of EC2 are those of {own}: bring its own with --offers FILE.csv \
                 (columns instance_type, vcpu, memory_mib, arch, od_usd_h; AWS tells them by `aws pricing \
                 get-products`){instead}"
            ),
            Some(path) => format!(
                "{who}, and {} tells the prices of {own}: bring a list of {region}{instead}",
                path.display()
            ),
        }
    }
}

impl FargateArgs {
    /// The rates that are brought, for an answer about Fargate alone.
    pub(crate) fn read(&self, cluster: &ClusterBuilder) -> anyhow::Result<PriceList> {
        let mut list = PriceList::default();
        self.add(&mut list)?;
        self.prices(&list, cluster)?;
        Ok(list)
    }

    fn add(&self, list: &mut PriceList) -> anyhow::Result<()> {
        list.said.clone_from(&self.region);
        if let Some(path) = &self.fargate_rates {
            let rates = manifest::fargate_rates(&input::name(path), &input::read(path)?);
            // What the file of rates says wins over rows of the offers file.
            list.fargate.extend(rates.map_err(Unreadable::new)?);
        }
        Ok(())
    }

    fn prices(&self, list: &PriceList, cluster: &ClusterBuilder) -> anyhow::Result<Prices> {
        let told = cluster.region();
        if let (None, Some(several)) = (&self.region, cluster.several_regions()) {
            let what =
                format!("--cluster: it tells several regions, {several}: say with --region which counts");
            return Err(Unreadable::new(plain(&what)).into());
        }
        Ok(list.prices(told.as_deref()))
    }
}

fn offers(path: &Path) -> anyhow::Result<PriceList> {
    let list = manifest::price_list(&input::name(path), &input::read(path)?).map_err(Unreadable::new)?;
    let skipped = list.skipped;
    let counts = [
        (skipped.no_price, "without a price"),
        (skipped.no_shape, "without a shape"),
        (skipped.arch, "of other architectures"),
    ];
    for (count, why) in counts.into_iter().filter(|(count, _)| *count > 0) {
        output::say(format_args!("{}: {count} rows {why} left out", path.display()));
    }
    Ok(list)
}

/// What Fargate costs, or that nobody has told it.
pub(crate) fn fargate(prices: &Prices) -> anyhow::Result<&FargatePrices> {
    let missing = || Unreadable::new(plain(&no_rates(prices))).into();
    prices.fargate.as_ref().ok_or_else(missing)
}

fn no_rates(prices: &Prices) -> String {
    format!(
        "Fargate has no rates for {}: bring them with --fargate-rates FILE.csv (columns region, vcpu_usd_h, gb_usd_h, \
         storage_gb_usd_h)",
        prices.region
    )
}

/// Whose prices these are.
#[derive(Serialize)]
pub(crate) struct PricesJson {
    region: String,
    /// Nothing told the region.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    assumed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ec2: Option<SourceJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fargate: Option<RatesJson>,
    /// Why Fargate is not offered although profiles would take pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fargate_missing: Option<String>,
}

#[derive(Serialize)]
struct SourceJson {
    source: String,
    /// `2026-07-20`; `null` where the file does not tell it.
    date: Option<String>,
}

#[derive(Serialize)]
struct RatesJson {
    #[serde(flatten)]
    from: SourceJson,
    vcpu_usd_h: f64,
    gb_usd_h: f64,
    storage_gb_usd_h: f64,
}

impl PricesJson {
    /// Of a picture.
    pub(crate) fn new(seen: &Snapshot) -> Self {
        let prices = &seen.prices;
        let profiles = seen
            .groups
            .iter()
            .any(|group| group.kind == GroupKind::FargateProfile);
        let missing = profiles && prices.fargate.is_none();
        Self {
            region: prices.region.clone(),
            assumed: prices.assumed,
            ec2: prices.ec2.as_ref().map(source),
            fargate: prices
                .fargate
                .as_ref()
                .map(|fargate| rates(fargate.rates, &fargate.source)),
            fargate_missing: missing.then(|| format!("not offered: {}", no_rates(prices))),
        }
    }

    /// One line for people; Fargate stands in it where it `counts`.
    pub(crate) fn text(&self, counts: bool) -> String {
        let mut parts = Vec::new();
        if let Some(ec2) = &self.ec2 {
            parts.push(format!("EC2 {}", ec2.text()));
        }
        if let Some(fargate) = self.fargate.as_ref().filter(|_| counts) {
            parts.push(format!("Fargate {}", fargate.from.text()));
        }
        let mut text = format!("{}: {}", self.region, parts.join(", "));
        if self.assumed {
            text.push_str("; nothing tells the region (node labels, --region), so that this one is assumed");
        }
        if let Some(missing) = &self.fargate_missing {
            text = format!("{text}; {missing}");
        }
        plain(&text)
    }
}

impl SourceJson {
    fn text(&self) -> String {
        let source = &self.source;
        let Some(date) = &self.date else {
            return format!("{source}, undated");
        };
        match days_since(date) {
            Some(days @ 2..) => format!("{source} of {date} ({days} days old)"),
            _ => format!("{source} of {date}"),
        }
    }
}

fn source(of: &PriceSource) -> SourceJson {
    SourceJson {
        source: of.origin.to_string(),
        date: of.date.clone(),
    }
}

fn rates(rates: FargateRates, of: &PriceSource) -> RatesJson {
    let dollars = |nanos| UsdPerHour(nanos).dollars();
    RatesJson {
        from: source(of),
        vcpu_usd_h: dollars(rates.cpu),
        gb_usd_h: dollars(rates.memory),
        storage_gb_usd_h: dollars(rates.storage),
    }
}

/// For people alone: no clock goes into a plan or its document.
fn days_since(date: &str) -> Option<i64> {
    let day: jiff::civil::Date = date.parse().ok()?;
    let then = day
        .to_zoned(jiff::tz::TimeZone::UTC)
        .ok()?
        .timestamp()
        .as_second();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some((i64::try_from(now).ok()? - then) / 86_400)
}
