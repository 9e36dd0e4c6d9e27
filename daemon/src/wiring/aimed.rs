//! What the aims know of offers, laid over what the eyes see: Fargate profiles, and capacity that is paid for already.
//! On every provider, by the aims in force now.
//!
//! Not here: what a profile or a reservation sells (`manifest`), and profiles that the cluster itself would name.

use cycle::Handle;
use model::aims::FargateAim;
use model::group::GroupKind;
use model::ids::GroupName;
use model::{Observe, ObserveError, Snapshot};

/// Eyes that see by the aims.
pub(super) struct WithAims<E> {
    pub(super) eyes: E,
    /// Knows the aims in force.
    pub(super) handle: Handle,
    /// Reservations that no group of the cluster is, as they were told last.
    pub(super) unmet: Vec<GroupName>,
    /// It was told last that nobody knows what Fargate costs.
    pub(super) unpriced: bool,
}

impl<E: Observe + Send> Observe for WithAims<E> {
    async fn look(&mut self) -> Result<Snapshot, ObserveError> {
        let mut seen = self.eyes.look().await?;
        let aims = self.handle.aims();
        add(&mut seen, &aims.fargate);
        manifest::reserve(&mut seen, &aims.reserved);
        self.tell(manifest::unmet(&seen, &aims.reserved));
        self.tell_unpriced(&seen);
        Ok(seen)
    }
}

impl<E> WithAims<E> {
    /// Says once which reservations name no group.
    fn tell(&mut self, unmet: Vec<GroupName>) {
        if self.unmet != unmet {
            for name in &unmet {
                tracing::warn!(reserved = %name, "no group of this name sells such instances; its reservation is not used");
            }
            self.unmet = unmet;
        }
    }

    /// Says once that profiles sell nothing for want of rates.
    fn tell_unpriced(&mut self, seen: &Snapshot) {
        let profiles = seen
            .groups
            .iter()
            .any(|group| group.kind == GroupKind::FargateProfile);
        let unpriced = profiles && seen.prices.fargate.is_none();
        if unpriced && !self.unpriced {
            let region = &seen.prices.region;
            tracing::warn!(%region, "nobody has told what Fargate costs in this region: it is not offered; allow pricing:GetProducts, or bring rates with provider.aws.fargate_rates");
        }
        self.unpriced = unpriced;
    }
}

/// A group with its sizes for each profile that is not there yet.
fn add(seen: &mut Snapshot, profiles: &[FargateAim]) {
    for profile in profiles {
        let name = profile.profile.as_str();
        let there = seen.groups.iter().any(|group| group.name.as_str() == name);
        let Ok(ix) = u32::try_from(seen.groups.len()) else {
            return;
        };
        if !there {
            seen.groups
                .push(manifest::profile_group(name, manifest::aim_selectors(profile)));
            let prices = seen.prices.fargate.as_ref();
            seen.offers.extend(manifest::fargate_offers(name, ix, prices));
        }
    }
    if !profiles.is_empty() {
        seen.sort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cycle::{Desk, Fixed, InForce, ManualClock, MemoryStore, Parts};
    use guard::Fence;
    use model::aims::{Mode, ReservedAim};
    use model::money::UsdPerHour;
    use model::{Aims, Instant, Span};
    use std::sync::Arc;

    /// Sees one group.
    struct Eyes;

    impl Observe for Eyes {
        async fn look(&mut self) -> Result<Snapshot, ObserveError> {
            let mut seen = Snapshot::default();
            seen.groups.push(manifest::profile_group("m", Vec::new()));
            let prices = seen.prices.fargate.clone();
            seen.offers
                .extend(manifest::fargate_offers("m", 0, prices.as_ref()));
            Ok(seen)
        }
    }

    fn aims(profiles: &[&str]) -> Aims {
        let profile = |name: &&str| FargateAim {
            profile: (*name).to_owned(),
            namespaces: vec!["shop".to_owned(), "batch".to_owned()],
            labels: [("run".to_owned(), "small".to_owned())].into(),
        };
        Aims {
            fargate: profiles.iter().map(profile).collect(),
            ..Aims::default()
        }
    }

    /// With every mark that they need.
    async fn put_in_force(handle: &Handle, aims: Aims) {
        if let Err(looser) = handle.offer_aims(aims.clone()).await {
            let acknowledge = looser.0.iter().map(ToString::to_string).collect();
            handle.offer_aims(Aims { acknowledge, ..aims }).await.unwrap();
        }
    }

    #[tokio::test]
    async fn profiles_follow_the_aims_in_force() {
        let desk = Desk::open(Parts {
            clock: Arc::new(ManualClock::new(Instant(0))),
            policies: InForce::default(),
            aims: aims(&[]),
            mode: Mode::Observe,
            store: Box::new(MemoryStore::default()),
            log: None,
            library: Box::new(Fixed),
            fence: Fence::sole(),
            overdue: Span::from_secs(60),
        })
        .await;
        let handle = desk.handle();
        let mut eyes = WithAims {
            eyes: Eyes,
            handle: handle.clone(),
            unmet: Vec::new(),
            unpriced: false,
        };
        for (named, groups) in [
            (&[][..], &["m"][..]),
            (&["z", "a"][..], &["a", "m", "z"][..]),
            (&["m", "a"][..], &["a", "m"][..]),
        ] {
            put_in_force(&handle, aims(named)).await;
            let seen = eyes.look().await.unwrap();
            let names: Vec<&str> = seen.groups.iter().map(|group| group.name.as_str()).collect();
            assert_eq!(names, groups);
            // Every offer still belongs to the group that sells it.
            for (group, ix) in seen.groups.iter().zip(0..) {
                let own = seen.offers.iter().filter(|offer| offer.group == ix);
                let ids: Vec<&str> = own.map(|offer| offer.id.as_str()).collect();
                assert!(!ids.is_empty() && ids.iter().all(|id| id.starts_with(group.name.as_str())));
            }
            let of_a = seen.groups.iter().find(|group| group.name.as_str() == "a");
            assert!(of_a.is_none_or(|group| group.fargate_selectors.len() == 2));
        }
        let unknown = ReservedAim {
            name: GroupName::new("odcr"),
            instance_type: None,
            zones: Vec::new(),
            nodes: 3,
            price: UsdPerHour::ZERO,
        };
        let reserving = Aims {
            reserved: vec![unknown],
            ..Aims::default()
        };
        put_in_force(&handle, reserving).await;
        eyes.look().await.unwrap();
        assert_eq!(eyes.unmet, ["odcr".into()], "a reservation of no group is told");
    }
}
