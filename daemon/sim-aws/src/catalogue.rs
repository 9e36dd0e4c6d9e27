//! Instance types of the pretend account: shape, network interfaces, zones, prices.
//!
//! From an offers file (the columns of `plimsoll plan --offers`, with `eni` and `ipv4_per_eni` where it has them),
//! else a small built-in table. Not here: what pods can use of a type; that is for the daemon to find out.

use model::money::UsdPerHour;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Types by name.
pub type Types = BTreeMap<String, TypeInfo>;

/// One instance type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeInfo {
    /// vCPUs.
    pub vcpu: u32,
    /// Advertised memory, MiB.
    pub memory_mib: u64,
    /// `x86_64` or `arm64`, as EC2 writes it.
    pub arch: String,
    /// NVIDIA GPUs.
    pub gpus: u32,
    /// Network interfaces of the default card.
    pub interfaces: u32,
    /// IPv4 addresses of one interface.
    pub addresses: u32,
    /// Ids of the zones that have it; empty: all.
    pub zones: Vec<String>,
    /// On-demand price of an hour.
    pub on_demand: UsdPerHour,
    /// Spot price of an hour; `None`: not sold as spot.
    pub spot: Option<UsdPerHour>,
}

/// Why an offers file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A row is not as it should be.
    #[error("{file}: {error}")]
    Row {
        /// Name of the file.
        file: String,
        /// The reader's word; it names the line.
        error: csv::Error,
    },
    /// Nothing in it can be bought.
    #[error("{0}: no row has instance_type, vcpu, memory_mib, arch and od_usd_h")]
    Empty(String),
}

/// Name, vCPUs, MiB, architecture, GPUs, interfaces, addresses, nano-dollars an hour.
type BuiltIn = (&'static str, u32, u64, &'static str, u32, u32, u32, i64);

/// See `BuiltIn`.
const BUILT_IN: [BuiltIn; 20] = [
    ("c6a.large", 2, 4_096, "x86_64", 0, 3, 10, 76_500_000),
    ("c6a.xlarge", 4, 8_192, "x86_64", 0, 4, 15, 153_000_000),
    ("c6a.2xlarge", 8, 16_384, "x86_64", 0, 4, 15, 306_000_000),
    ("c6g.large", 2, 4_096, "arm64", 0, 3, 10, 68_000_000),
    ("c7i.xlarge", 4, 8_192, "x86_64", 0, 4, 15, 178_500_000),
    ("g5.xlarge", 4, 16_384, "x86_64", 1, 4, 15, 1_006_000_000),
    ("m5.large", 2, 8_192, "x86_64", 0, 3, 10, 96_000_000),
    ("m5.xlarge", 4, 16_384, "x86_64", 0, 4, 15, 192_000_000),
    ("m6a.large", 2, 8_192, "x86_64", 0, 3, 10, 86_400_000),
    ("m6a.xlarge", 4, 16_384, "x86_64", 0, 4, 15, 172_800_000),
    ("m6a.2xlarge", 8, 32_768, "x86_64", 0, 4, 15, 345_600_000),
    ("m6a.4xlarge", 16, 65_536, "x86_64", 0, 8, 30, 691_200_000),
    ("m6a.8xlarge", 32, 131_072, "x86_64", 0, 8, 30, 1_382_400_000),
    ("m6g.large", 2, 8_192, "arm64", 0, 3, 10, 77_000_000),
    ("m6g.2xlarge", 8, 32_768, "arm64", 0, 4, 15, 308_000_000),
    ("m7i.xlarge", 4, 16_384, "x86_64", 0, 4, 15, 201_600_000),
    ("r6a.large", 2, 16_384, "x86_64", 0, 3, 10, 113_400_000),
    ("r6a.2xlarge", 8, 65_536, "x86_64", 0, 4, 15, 453_600_000),
    ("r6a.4xlarge", 16, 131_072, "x86_64", 0, 8, 30, 907_200_000),
    ("r7i.xlarge", 4, 32_768, "x86_64", 0, 4, 15, 264_600_000),
];

/// Twenty well-known types; spot costs a third of on-demand.
pub fn built_in() -> Types {
    let row = |&(name, vcpu, memory_mib, arch, gpus, interfaces, addresses, nanos): &BuiltIn| {
        let info = TypeInfo {
            vcpu,
            memory_mib,
            arch: arch.to_owned(),
            gpus,
            interfaces,
            addresses,
            zones: Vec::new(),
            on_demand: UsdPerHour(nanos),
            spot: Some(UsdPerHour(nanos / 3)),
        };
        (name.to_owned(), info)
    };
    BUILT_IN.iter().map(row).collect()
}

/// Columns of an offers file that are read here.
#[derive(Deserialize)]
struct Row {
    instance_type: String,
    vcpu: Option<f64>,
    memory_mib: Option<f64>,
    arch: String,
    od_usd_h: Option<f64>,
    #[serde(default)]
    gpu_count: Option<f64>,
    #[serde(default)]
    eni: Option<f64>,
    #[serde(default)]
    ipv4_per_eni: Option<f64>,
    #[serde(default)]
    azs: Option<String>,
    #[serde(default)]
    spot_usd_h_est: Option<f64>,
}

/// Types of an offers file (CSV, unpacked); rows without price or shape are left out.
pub fn read(file: &str, bytes: &[u8]) -> Result<Types, CatalogueError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let mut types = Types::new();
    for row in reader.deserialize::<Row>() {
        let row = row.map_err(|error| CatalogueError::Row {
            file: file.to_owned(),
            error,
        })?;
        if let Some((name, info)) = of_row(row) {
            types.insert(name, info);
        }
    }
    if types.is_empty() {
        return Err(CatalogueError::Empty(file.to_owned()));
    }
    Ok(types)
}

fn of_row(row: Row) -> Option<(String, TypeInfo)> {
    let arch = match row.arch.as_str() {
        "x86_64" | "amd64" => "x86_64",
        "arm64" | "aarch64" => "arm64",
        _ => return None,
    };
    let whole = |number: Option<f64>| number.and_then(whole).filter(|n| *n > 0);
    let price = |dollars: Option<f64>| {
        let dollars = dollars.filter(|d| *d > 0.0 && *d < 1e6)?;
        whole(Some((dollars * 1e9).round())).and_then(|nanos| i64::try_from(nanos).ok())
    };
    let small = |number: Option<f64>| whole(number).and_then(|n| u32::try_from(n).ok());
    let info = TypeInfo {
        vcpu: small(row.vcpu)?,
        memory_mib: whole(row.memory_mib)?,
        arch: arch.to_owned(),
        gpus: small(row.gpu_count).unwrap_or(0),
        interfaces: small(row.eni).unwrap_or(4),
        addresses: small(row.ipv4_per_eni).unwrap_or(15),
        zones: row
            .azs
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        on_demand: UsdPerHour(price(row.od_usd_h)?),
        spot: price(row.spot_usd_h_est).map(UsdPerHour),
    };
    Some((row.instance_type, info))
}

/// A number of a CSV cell as a whole one; cells write `8.0`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to lie within what is exact"
)]
fn whole(number: f64) -> Option<u64> {
    ((0.0..=9e15).contains(&number) && number.fract() == 0.0).then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offers_file_is_read_and_bad_rows_are_named() {
        let head = "instance_type,vcpu,memory_mib,arch,od_usd_h,eni,ipv4_per_eni,azs,spot_usd_h_est\n";
        let good = format!(
            "{head}m5.large,2.0,8192.0,x86_64,0.096,3.0,10.0,use1-az1 use1-az2,0.03\nx,,,x86_64,,,,,\n"
        );
        let types = read("o.csv", good.as_bytes()).unwrap();
        assert_eq!(types.len(), 1);
        let m5 = &types["m5.large"];
        assert_eq!(
            (m5.vcpu, m5.memory_mib, m5.interfaces, m5.addresses),
            (2, 8192, 3, 10)
        );
        assert_eq!((m5.on_demand.0, m5.spot.unwrap().0), (96_000_000, 30_000_000));
        let bad = format!("{head}m5.large,two,8192,x86_64,0.096,,,,\n");
        let said = read("o.csv", bad.as_bytes()).unwrap_err().to_string();
        assert!(said.starts_with("o.csv: ") && said.contains("line: 2"), "{said}");
        assert!(read("o.csv", head.as_bytes()).is_err());
    }
}
