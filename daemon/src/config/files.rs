//! The files that a configuration names, read and parsed before anything runs: scenario, prices, certificates,
//! kubeconfig. What is wrong in them is said like every other mistake.
//!
//! Not here: the aims (`parts`, they are read again later), and policies, which the daemon runs without.

use super::parts::problem;
use super::{Config, Provider, bounded};
use manifest::{FargateByRegion, PriceList, Problems};
use sim::Scenario;
use std::path::Path;

/// A file of offers, a scenario or what stands beside it is not read beyond this.
const MAX_TABLE: u64 = manifest::MAX_BYTES as u64;

/// What stood in them.
#[derive(Default)]
pub(crate) struct Named {
    /// `provider.simulated.scenario`.
    pub(crate) scenario: Option<Scenario>,
    /// `provider.aws.offers`.
    pub(crate) prices: Option<PriceList>,
    /// `provider.aws.fargate_rates`.
    pub(crate) rates: FargateByRegion,
}

impl Named {
    /// Reads them all.
    pub(crate) fn read(file: &str, config: &Config) -> Result<Self, Problems> {
        let mut named = Self::default();
        let mut problems = Problems::default();
        let mut note = |found: Result<(), Problems>| {
            if let Err(found) = found {
                problems.extend(found);
            }
        };
        match &config.provider {
            Provider::Simulated(world) => {
                let read = scenario(file, &world.scenario);
                note(read.map(|scenario| named.scenario = Some(scenario)));
            }
            Provider::Aws(aws) => {
                if let Some(offers) = &aws.offers {
                    note(prices(file, offers).map(|prices| named.prices = Some(prices)));
                }
                if let Some(rates) = &aws.fargate_rates {
                    note(fargate_rates(file, rates).map(|rates| named.rates = rates));
                }
            }
            Provider::Kwok(_) | Provider::None => {}
        }
        #[cfg(feature = "live")]
        if let Some(path) = &config.kubernetes.kubeconfig {
            note(kubeconfig(file, path));
        }
        if let Err(error) = config.serve.check_files() {
            note(Err(Problems::from(problem(file, "", error.to_string()))));
        }
        if let Some(ca) = &config.admission.client_ca
            && let Err(error) = serve::check_client_ca(ca)
        {
            note(Err(Problems::from(problem(file, "", error.to_string()))));
        }
        problems.or(named)
    }

    /// What Fargate costs by region: what the file of rates says wins over rows of the offers file.
    #[cfg(feature = "live")]
    pub(crate) fn fargate(&self) -> FargateByRegion {
        let of_offers = self.prices.iter().flat_map(|list| &list.fargate);
        let all = of_offers.chain(&self.rates);
        all.map(|(region, prices)| (region.clone(), prices.clone()))
            .collect()
    }
}

/// The bytes of a file that a field names.
fn bytes(file: &str, field: &str, named: &Path) -> Result<Vec<u8>, Problems> {
    bounded(named, MAX_TABLE)
        .map_err(|why| Problems::from(problem(file, field, format!("{}: {why}", named.display()))))
}

fn scenario(file: &str, named: &Path) -> Result<Scenario, Problems> {
    let bytes = bytes(file, "provider.simulated.scenario", named)?;
    let folder = named.parent().unwrap_or_else(|| Path::new("."));
    let fetch = |beside: &str| {
        let path = folder.join(beside);
        bounded(&path, MAX_TABLE).map_err(|why| format!("{}: {why}", path.display()))
    };
    Scenario::read(&named.display().to_string(), &bytes, &fetch)
}

fn prices(file: &str, named: &Path) -> Result<PriceList, Problems> {
    let bytes = bytes(file, "provider.aws.offers", named)?;
    manifest::price_list(&named.display().to_string(), &bytes)
}

fn fargate_rates(file: &str, named: &Path) -> Result<FargateByRegion, Problems> {
    let bytes = bytes(file, "provider.aws.fargate_rates", named)?;
    manifest::fargate_rates(&named.display().to_string(), &bytes)
}

/// Only whether it is one: what it says is `observe`'s to use.
#[cfg(feature = "live")]
fn kubeconfig(file: &str, named: &Path) -> Result<(), Problems> {
    const FIELD: &str = "kubernetes.kubeconfig";
    let bytes = bytes(file, FIELD, named)?;
    let text = String::from_utf8_lossy(&bytes);
    match kube::config::Kubeconfig::from_yaml(&text) {
        Ok(_) => Ok(()),
        Err(error) => {
            let what = error.to_string();
            let what = format!("{}: {}", named.display(), what.lines().next().unwrap_or_default());
            Err(Problems::from(problem(file, FIELD, what)))
        }
    }
}
