//! What new aims loosen of those in force: limits that are raised or gone, scopes that are wider, modes that act where
//! they observed.
//!
//! Compared is what the aims mean: what is left out is its default, whatever the file looks like. What only steers
//! (targets, weights, prices of evictions, the search) is no limit. Not here: what becomes of a change that nobody has
//! acknowledged (`cycle`), and where in the file it stands (`manifest`).

use model::aims::{BoundsAim, Catalogue, FargateAim, Mode, Modes, ReservedAim, ScaleAim, ShrinkAims};
use model::disruption::{DisruptionAims, DriftMode, LocalStorage, NodeBudget, Share};
use model::ids::GroupName;
use model::limits::Limits;
use model::loosening::{Change, Loosening};
use model::money::{Usd, UsdPerHour};
use model::quota::{Measure, Quota, Quotas};
use model::repair::RepairAims;
use model::resources::{GIB, MIB};
use model::time::Span;
use model::{Aims, ClusterSize};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};

/// Everything that `to` loosens of `from` in a cluster of this size, by field; empty where it is as strict in every
/// respect.
pub fn loosened(from: &Aims, to: &Aims, size: ClusterSize) -> Vec<Loosening> {
    // Named one by one, so that a new field of the aims has to be thought of here.
    let Aims {
        modes,
        limits,
        scale,
        catalogue,
        fargate,
        move_to_fargate,
        reserved,
        shrink,
        disruption,
        schedulers,
        groups,
        bounds,
        quotas,
        priority,
        // What allows.
        acknowledge: _,
        // What steers.
        compose: _,
        spot: _,
        search: _,
        weights: _,
        zones: _,
        startup_taints: _,
        spread_defaults: _,
    } = to;
    let mut found = Found::default();
    found.modes(&from.modes, modes);
    found.limits(&from.limits, limits, size);
    found.scale(&from.scale, scale);
    found.catalogue(&from.catalogue, catalogue);
    found.fargate(&from.fargate, fargate);
    found.members("move_to_fargate", &from.move_to_fargate, move_to_fargate);
    found.reserved(&from.reserved, reserved);
    found.shrink(&from.shrink, shrink);
    found.disruption(&from.disruption, disruption);
    found.members("schedulers", &from.schedulers, schedulers);
    found.choice("groups", &from.groups, groups);
    found.bounds(&from.bounds, bounds);
    found.quotas(&from.quotas, quotas);
    let (was, is) = (from.priority.expendable_below, priority.expendable_below);
    found.falls("priority.expendable_below", was, is);
    found.0
}

/// The value of a limit that follows the size of the cluster.
const BY_SIZE: &str = "the default for this cluster";

/// What was found so far.
#[derive(Default)]
struct Found(Vec<Loosening>);

impl Found {
    fn change(&mut self, field: impl Into<String>, from: impl Display, to: impl Display) {
        let (from, to) = (from.to_string(), to.to_string());
        self.note(field, Change::Set { from, to });
    }

    fn note(&mut self, field: impl Into<String>, change: Change) {
        let field = field.into();
        self.0.push(Loosening { field, change });
    }

    /// A limit: more is looser.
    fn rises<T: Ord + Display>(&mut self, field: impl Into<String>, from: T, to: T) {
        if to > from {
            self.change(field, from, to);
        }
    }

    /// A span or a minimum: less is looser.
    fn falls<T: Ord + Display>(&mut self, field: impl Into<String>, from: T, to: T) {
        if to < from {
            self.change(field, from, to);
        }
    }

    /// A limit that need not be there: none is the loosest.
    fn lifts<T: Ord + Display>(&mut self, field: impl Into<String>, from: Option<T>, to: Option<T>) {
        match (from, to) {
            (Some(from), Some(to)) => self.rises(field, from, to),
            (Some(from), None) => self.change(field, from, "no limit"),
            (None, _) => {}
        }
    }

    /// A permission.
    fn permits(&mut self, field: impl Into<String>, from: bool, to: bool) {
        self.rises(field, from, to);
    }

    /// Names that something is allowed for, where none means nobody.
    fn members(&mut self, field: &str, from: &[String], to: &[String]) {
        for new in to.iter().filter(|name| !from.contains(name)) {
            self.note(format!("{field}.{new}"), Change::Added);
        }
    }

    /// Names that something is allowed for, where none means everybody.
    fn choice<T: Ord + Display>(&mut self, field: &str, from: &[T], to: &[T]) {
        if from.is_empty() {
            return;
        }
        if to.is_empty() {
            return self.change(field, listed(from), "all");
        }
        for new in to.iter().filter(|name| !from.contains(name)) {
            self.note(format!("{field}.{new}"), Change::Added);
        }
    }

    fn modes(&mut self, from: &Modes, to: &Modes) {
        let modes = [from.of_cluster(), to.of_cluster()].map(mode);
        if from.of_cluster() < to.of_cluster() {
            self.change("mode", modes[0], modes[1]);
        }
        self.narrower("modes.groups", &from.groups, &to.groups);
        self.narrower("modes.workloads", &from.workloads, &to.workloads);
        let hooks = |modes: &Modes| -> BTreeMap<&'static str, Mode> {
            modes
                .hooks
                .iter()
                .map(|(hook, mode)| (hook.as_str(), *mode))
                .collect()
        };
        self.narrower("modes.hooks", &hooks(from), &hooks(to));
    }

    /// Modes of a narrower scope: one that is not named acts where the cluster does.
    fn narrower<K: Ord + Display>(&mut self, field: &str, from: &BTreeMap<K, Mode>, to: &BTreeMap<K, Mode>) {
        for (name, was) in from {
            let is = to.get(name).copied().unwrap_or(Mode::Act);
            if *was < is {
                self.change(format!("{field}.{name}"), mode(*was), mode(is));
            }
        }
    }

    fn limits(&mut self, from: &Limits, to: &Limits, size: ClusterSize) {
        self.sized(from, to, size);
        let [from, to] = [from, to].map(Figures::of);
        self.all(Self::rises, from.longer, to.longer);
        self.all(Self::falls, from.shorter, to.shorter);
        self.all(Self::rises, from.shares, to.shares);
        self.all(Self::rises, from.counts, to.counts);
        self.all(Self::lifts, from.optional, to.optional);
        self.all(Self::lifts, from.optional_shares, to.optional_shares);
        self.all(Self::lifts, from.budgets, to.budgets);
        self.all(Self::rises, from.rates, to.rates);
        self.all(Self::rises, from.permissions, to.permissions);
    }

    /// Limits that followed the size of the cluster and do not any more: a number may be looser than that, and no looser
    /// than what it stood for at most.
    fn sized(&mut self, from: &Limits, to: &Limits, size: ClusterSize) {
        let was = Limits {
            by_size: from.by_size.difference(&to.by_size).copied().collect(),
            ..from.clone()
        };
        let [was, most, is] = [&was.of_size(size), from, to].map(Figures::of);
        self.named([was.counts, most.counts, is.counts], u32::to_string);
        let count = |count: &Option<u32>| count.unwrap_or_default().to_string();
        self.named([was.optional, most.optional, is.optional], count);
        self.named([was.rates, most.rates, is.rates], Dollars::to_string);
    }

    /// Those above what they were, and no higher than the most that a default comes to: what is higher is told as any rise.
    fn named<T: Ord, const N: usize>(
        &mut self,
        [was, most, is]: [[(&'static str, T); N]; 3],
        text: impl Fn(&T) -> String,
    ) {
        for ((was, most), (key, is)) in was.iter().zip(&most).zip(&is) {
            if *is > was.1 && *is <= most.1 {
                self.change(format!("limits.{key}"), BY_SIZE, text(is));
            }
        }
    }

    /// Limits under the same keys on both sides.
    fn all<T, const N: usize>(
        &mut self,
        looser: fn(&mut Self, String, T, T),
        from: [(&'static str, T); N],
        to: [(&'static str, T); N],
    ) {
        for ((key, was), (_, is)) in from.into_iter().zip(to) {
            looser(self, format!("limits.{key}"), was, is);
        }
    }

    fn scale(&mut self, from: &[ScaleAim], to: &[ScaleAim]) {
        for aim in to {
            let field = format!("scale.{}", aim.workload);
            let Some(was) = from.iter().find(|was| was.workload == aim.workload) else {
                self.change(field, "none", format!("{}-{} replicas", aim.min, aim.max));
                continue;
            };
            self.falls(format!("{field}.min"), was.min, aim.min);
            self.rises(format!("{field}.max"), was.max, aim.max);
        }
    }

    fn catalogue(&mut self, from: &Catalogue, to: &Catalogue) {
        let Catalogue {
            bare_metal,
            burstable,
            mac,
            spot,
            max_vcpu,
            types,
            arch,
        } = to;
        self.permits("catalogue.bare_metal", from.bare_metal, *bare_metal);
        self.permits("catalogue.burstable", from.burstable, *burstable);
        self.permits("catalogue.mac", from.mac, *mac);
        self.permits("catalogue.spot", from.spot, *spot);
        self.lifts("catalogue.max_vcpu", from.max_vcpu, *max_vcpu);
        self.choice("catalogue.types", &from.types, types);
        self.choice("catalogue.arch", &from.arch, arch);
    }

    fn fargate(&mut self, from: &[FargateAim], to: &[FargateAim]) {
        for aim in to {
            let field = format!("fargate.{}", aim.profile);
            let Some(was) = from.iter().find(|was| was.profile == aim.profile) else {
                self.change(field, "none", json(aim));
                continue;
            };
            self.members(&format!("{field}.namespaces"), &was.namespaces, &aim.namespaces);
            // Every label narrows.
            for (key, value) in &was.labels {
                let is = aim.labels.get(key);
                if is != Some(value) {
                    self.change(
                        format!("{field}.labels.{key}"),
                        value,
                        is.map_or("none", String::as_str),
                    );
                }
            }
        }
    }

    /// What is paid for already adds little to the bill, so that the limits of money let more of it through.
    fn reserved(&mut self, from: &[ReservedAim], to: &[ReservedAim]) {
        for aim in to {
            let field = format!("reserved.{}", aim.name);
            let Some(was) = from.iter().find(|was| was.name == aim.name) else {
                self.change(field, "none", json(aim));
                continue;
            };
            self.rises(format!("{field}.nodes"), was.nodes, aim.nodes);
            self.falls(format!("{field}.price"), Dollars(was.price), Dollars(aim.price));
            let types: Vec<&String> = was.instance_type.iter().collect();
            self.choice(
                &format!("{field}.instance_type"),
                &types,
                &aim.instance_type.iter().collect::<Vec<_>>(),
            );
            self.choice(&format!("{field}.zones"), &was.zones, &aim.zones);
        }
    }

    fn shrink(&mut self, from: &ShrinkAims, to: &ShrinkAims) {
        let ShrinkAims {
            enabled,
            unneeded_for,
            min_age,
            explained_for,
            parallel,
            // What steers.
            drain_timeout: _,
            eviction_cost_nanos: _,
            payback: _,
            yields: _,
        } = to;
        self.permits("shrink.enabled", from.enabled, *enabled);
        self.falls(
            "shrink.unneeded_for",
            Written(from.unneeded_for),
            Written(*unneeded_for),
        );
        self.falls("shrink.min_age", Written(from.min_age), Written(*min_age));
        // Zero means that there is no shorter patience at all.
        if *explained_for > Span::ZERO
            && (from.explained_for == Span::ZERO || *explained_for < from.explained_for)
        {
            self.change(
                "shrink.explained_for",
                Written(from.explained_for),
                Written(*explained_for),
            );
        }
        self.rises("shrink.parallel", from.parallel, *parallel);
    }

    fn disruption(&mut self, from: &DisruptionAims, to: &DisruptionAims) {
        let DisruptionAims {
            budgets,
            expire_after,
            expire_spread_permille,
            drift,
            settle,
            parallel,
            groups,
            local_storage,
            keep_system_pods,
            repair,
        } = to;
        self.node_budgets(&from.budgets, budgets);
        self.sooner("disruption.expire_after", from.expire_after, *expire_after);
        self.rises(
            "disruption.expire_spread",
            Permille(from.expire_spread_permille),
            Permille(*expire_spread_permille),
        );
        self.drift("disruption.drift", from.drift, *drift);
        self.falls("disruption.settle", Written(from.settle), Written(*settle));
        self.rises("disruption.parallel", from.parallel, *parallel);
        for name in from.groups.keys().chain(groups.keys()).collect::<BTreeSet<_>>() {
            let field = format!("disruption.groups.{name}");
            let own = |aims: &DisruptionAims| aims.groups.get(name).copied().unwrap_or_default();
            let (was, is) = (own(from), own(to));
            let (was_drift, is_drift) = (was.drift.unwrap_or(from.drift), is.drift.unwrap_or(*drift));
            if (was.drift, is.drift) != (None, None) {
                self.drift(format!("{field}.drift"), was_drift, is_drift);
            }
            if (was.expire_after, is.expire_after) != (None, None) {
                let (was, is) = (
                    was.expire_after.or(from.expire_after),
                    is.expire_after.or(*expire_after),
                );
                self.sooner(format!("{field}.expire_after"), was, is);
            }
        }
        let (was, is) = (storage(from.local_storage), storage(*local_storage));
        if is.0 > was.0 {
            self.change("disruption.local_storage", was.1, is.1);
        }
        if from.keep_system_pods && !keep_system_pods {
            self.change("disruption.system_pods", "block", "allow");
        }
        self.repair(&from.repair, repair);
    }

    /// A budget that still is there, under whatever name, is as strict as it was: names may stand for several, and who has
    /// none is called by its place. What differs in more than its number is taken to be looser, for which of both is
    /// stricter depends on the day.
    fn node_budgets(&mut self, from: &[NodeBudget], to: &[NodeBudget]) {
        let renamed = |is: &NodeBudget, name: &str| NodeBudget {
            name: name.to_owned(),
            ..is.clone()
        };
        for was in from {
            if to.iter().any(|is| renamed(is, &was.name) == *was) {
                continue;
            }
            let field = format!("disruption.budgets.{}", was.name);
            let alike = |is: &&NodeBudget| {
                let nodes = was.nodes;
                NodeBudget {
                    nodes,
                    ..(*is).clone()
                } == *was
            };
            let Some(is) = to.iter().find(alike) else {
                let is = to.iter().find(|is| is.name == was.name);
                self.change(field, json(was), is.map_or_else(|| "none".to_owned(), json));
                continue;
            };
            match (was.nodes, is.nodes) {
                (Share::Count(was), Share::Count(is)) => self.rises(format!("{field}.nodes"), was, is),
                (Share::Permille(was), Share::Permille(is)) => {
                    self.rises(format!("{field}.nodes"), Permille(was), Permille(is));
                }
                (was, is) => self.change(format!("{field}.nodes"), share(was), share(is)),
            }
        }
    }

    /// A time after which nodes go: sooner is looser, never is the strictest.
    fn sooner(&mut self, field: impl Into<String>, from: Option<Span>, to: Option<Span>) {
        let [from, to] = [from, to].map(|after| after.filter(|after| *after > Span::ZERO));
        match (from, to) {
            (Some(from), Some(to)) => self.falls(field, Written(from), Written(to)),
            (None, Some(to)) => self.change(field, "never", Written(to)),
            (_, None) => {}
        }
    }

    /// Only one of the modes disrupts.
    fn drift(&mut self, field: impl Into<String>, from: DriftMode, to: DriftMode) {
        if to == DriftMode::Replace && from != DriftMode::Replace {
            self.change(field, drift_mode(from), drift_mode(to));
        }
    }

    fn repair(&mut self, from: &RepairAims, to: &RepairAims) {
        let RepairAims {
            after,
            most_permille,
            grace,
        } = to;
        self.sooner("disruption.repair.after", from.after, *after);
        self.rises(
            "disruption.repair.most",
            Permille(from.most_permille),
            Permille(*most_permille),
        );
        self.falls("disruption.repair.grace", Written(from.grace), Written(*grace));
    }

    /// What is not said is left as the group has it.
    fn bounds(&mut self, from: &BTreeMap<GroupName, BoundsAim>, to: &BTreeMap<GroupName, BoundsAim>) {
        for (group, is) in to {
            let was = from.get(group).copied().unwrap_or_default();
            let field = format!("bounds.{group}");
            match (was.min, is.min) {
                (Some(was), Some(is)) => self.falls(format!("{field}.min"), was, is),
                (None, Some(is)) => self.change(format!("{field}.min"), "the group's own", is),
                (_, None) => {}
            }
            match (was.max, is.max) {
                (Some(was), Some(is)) => self.rises(format!("{field}.max"), was, is),
                (None, Some(is)) => self.change(format!("{field}.max"), "the group's own", is),
                (_, None) => {}
            }
        }
    }

    fn quotas(&mut self, from: &Quotas, to: &Quotas) {
        self.quota("quotas.total", &from.total, &to.total);
        for (group, was) in &from.groups {
            let is = to.groups.get(group).copied().unwrap_or_default();
            self.quota(&format!("quotas.groups.{group}"), was, &is);
        }
        // A namespace that is named leaves the quota of every other one, whichever side names it.
        let named: BTreeSet<&String> = from.namespaces.keys().chain(to.namespaces.keys()).collect();
        for namespace in named {
            let of = |quotas: &Quotas| quotas.of_namespace(namespace).copied().unwrap_or_default();
            let (was, is) = (of(from), of(to));
            let field = format!("quotas.namespaces.{namespace}");
            self.lifts(format!("{field}.nodes"), was.nodes, is.nodes);
            self.lifts(
                format!("{field}.rate"),
                was.rate.map(Dollars),
                is.rate.map(Dollars),
            );
        }
    }

    fn quota(&mut self, field: &str, from: &Quota, to: &Quota) {
        for measure in Measure::ALL {
            let of = |quota: &Quota| quota.of(measure).map(|amount| Amount(amount, measure));
            self.lifts(format!("{field}.{}", measure.as_str()), of(from), of(to));
        }
    }
}

/// The limits by what makes them looser, each under its key in the aims.
struct Figures {
    longer: [(&'static str, Written); 2],
    shorter: [(&'static str, Written); 4],
    /// As all that follow: more is looser.
    shares: [(&'static str, Permille); 4],
    counts: [(&'static str, u32); 5],
    /// None is the loosest.
    optional: [(&'static str, Option<u32>); 1],
    optional_shares: [(&'static str, Option<Permille>); 1],
    budgets: [(&'static str, Option<Money>); 1],
    rates: [(&'static str, Dollars); 2],
    permissions: [(&'static str, bool); 2],
}

impl Figures {
    /// Every limit stands in one of the lists.
    fn of(limits: &Limits) -> Self {
        let Limits {
            max_snapshot_age,
            max_growth_age,
            window,
            removed_per_window_permille,
            long_window,
            removed_per_long_window_permille,
            removed_per_zone_permille,
            removals_at_once,
            emptied_window,
            emptied_per_window_permille,
            explained_per_window_permille,
            growth_by_evidence,
            bought_per_window,
            max_nodes,
            added_per_window,
            max_rate,
            max_per_month,
            failed_launches,
            provision_time,
            evictions_per_window,
            scaled_down_per_window,
            acknowledge_risk,
            // Weighed with the size of the cluster.
            by_size: _,
        } = *limits;
        Self {
            longer: [
                ("max_snapshot_age", Written(max_snapshot_age)),
                ("max_growth_age", Written(max_growth_age)),
            ],
            shorter: [
                ("window", Written(window)),
                ("long_window", Written(long_window)),
                ("emptied_window", Written(emptied_window)),
                // A launch that is given up sooner is made again sooner.
                ("provision_time", Written(provision_time)),
            ],
            shares: [
                ("removed_per_window", Permille(removed_per_window_permille)),
                (
                    "removed_per_long_window",
                    Permille(removed_per_long_window_permille),
                ),
                ("emptied_per_window", Permille(emptied_per_window_permille)),
                ("explained_per_window", Permille(explained_per_window_permille)),
            ],
            counts: [
                ("removals_at_once", removals_at_once),
                ("bought_per_window", bought_per_window),
                ("max_nodes", max_nodes),
                ("failed_launches", failed_launches),
                ("evictions_per_window", evictions_per_window),
            ],
            optional_shares: [("removed_per_zone", removed_per_zone_permille.map(Permille))],
            optional: [("scaled_down_per_window", scaled_down_per_window)],
            budgets: [("max_per_month", max_per_month.map(Money))],
            rates: [
                ("added_per_window", Dollars(added_per_window)),
                ("max_rate", Dollars(max_rate)),
            ],
            permissions: [
                ("growth_by_evidence", growth_by_evidence),
                ("acknowledge_risk", acknowledge_risk),
            ],
        }
    }
}

/// Thousandths as aims write them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Permille(u32);

impl Display for Permille {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(permille) = *self;
        match permille % 10 {
            0 => write!(f, "{}%", permille / 10),
            tenth => write!(f, "{}.{tenth}%", permille / 10),
        }
    }
}

/// A span as aims write it, to the millisecond: a mark must not stand for two changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Written(Span);

impl Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(i64, &str); 4] = [(3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
        let mut rest = self.0.millis();
        if rest == 0 {
            return f.write_str("0");
        }
        for (millis, unit) in UNITS {
            let count = rest / millis;
            rest %= millis;
            if count != 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        Ok(())
    }
}

/// What a quota measures, to the byte and the millicore, for the same reason.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Amount(i64, Measure);

impl Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self(milli, Measure::Cpu) if milli % 1000 != 0 => write!(f, "{milli}m"),
            Self(milli, Measure::Cpu) => write!(f, "{}", milli / 1000),
            Self(bytes, Measure::Memory) if bytes % GIB == 0 => write!(f, "{}Gi", bytes / GIB),
            Self(bytes, Measure::Memory) if bytes % MIB == 0 => write!(f, "{}Mi", bytes / MIB),
            Self(amount, Measure::Memory | Measure::Nodes) => write!(f, "{amount}"),
        }
    }
}

/// Money to the nano-dollar, for the same reason.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Dollars(UsdPerHour);

impl Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/h", Money(Usd(self.0.0)))
    }
}

/// An amount to the nano-dollar.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Money(Usd);

impl Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NANOS: i64 = 1_000_000_000;
        let (whole, rest) = (self.0.0 / NANOS, self.0.0 % NANOS);
        if rest == 0 {
            return write!(f, "${whole}");
        }
        let rest = format!("{:09}", rest.unsigned_abs());
        write!(f, "${whole}.{}", rest.trim_end_matches('0'))
    }
}

const fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Observe => "observe",
        Mode::Act => "act",
    }
}

const fn drift_mode(mode: DriftMode) -> &'static str {
    match mode {
        DriftMode::Off => "off",
        DriftMode::Report => "report",
        DriftMode::Replace => "replace",
    }
}

/// How loose it is, and its name in the aims.
const fn storage(storage: LocalStorage) -> (u8, &'static str) {
    match storage {
        LocalStorage::Block => (0, "block"),
        LocalStorage::EmptyDir => (1, "empty-dir"),
        LocalStorage::Allow => (2, "allow"),
    }
}

fn share(share: Share) -> String {
    match share {
        Share::Count(count) => count.to_string(),
        Share::Permille(permille) => Permille(permille).to_string(),
    }
}

/// What has too many sides for a word of its own, exactly.
fn json(value: &impl Serialize) -> String {
    // Values of the model always serialise.
    serde_json::to_string(value).unwrap_or_default()
}

fn listed(names: &[impl Display]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_exact() {
        let spans = [0, 250, 90_000, 1_200_000, 7_230_000].map(Span::from_millis);
        let spans = spans.map(|span| Written(span).to_string());
        assert_eq!(spans, ["0", "250ms", "1m30s", "20m", "2h30s"]);
        let money = [500_000_000_000, 86_400_000, 1].map(|nanos| Dollars(UsdPerHour(nanos)).to_string());
        assert_eq!(money, ["$500/h", "$0.0864/h", "$0.000000001/h"]);
        let amounts = [
            (500, Measure::Cpu),
            (64_000, Measure::Cpu),
            (1 << 30, Measure::Memory),
            (1, Measure::Memory),
        ];
        let amounts = amounts.map(|(amount, measure)| Amount(amount, measure).to_string());
        assert_eq!(amounts, ["500m", "64", "1Gi", "1"]);
        assert_eq!([50, 75].map(|share| Permille(share).to_string()), ["5%", "7.5%"]);
    }
}
