//! The account: what is in it, and how time moves it.
//!
//! A function of its settings, their seed, the calls it gets and when. Not here: the wire, and what a call is
//! allowed to do.

mod eks;
mod eks_state;
mod fleet;
mod group_state;
mod groups;
mod hooks;
mod instances;
mod launch;
mod machine;
mod notices;
mod queue;
mod reconcile;
mod warm;

#[cfg(test)]
mod tests;

pub(crate) use eks_state::ConfigUpdate;
pub use eks_state::{NodeGroup, Profile};
pub(crate) use fleet::template_id;
pub(crate) use group_state::ScalingConfig;
pub use group_state::{Activity, GroupState, Hook};
pub(crate) use groups::check_bounds;
pub(crate) use launch::{Fleet, Launched, Pool};
pub use machine::{Gone, Lifecycle, Machine, MachineState};
pub use notices::Notice;
pub(crate) use queue::{Messages, NO_QUEUE};

use crate::faults::{Fault, FaultKind};
use crate::settings::{NewGroup, Settings};
use model::time::Lag;
use model::{Instant, Span};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use std::collections::BTreeMap;

/// A terminated instance stays listed by EC2 for so long (EC2 user guide: "a short while", about an hour).
const LISTED: Span = Span::from_secs(3600);

/// Why a call is not granted, as AWS words it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct Refused {
    /// `ValidationError`, …
    pub code: String,
    /// What it says.
    pub message: String,
}

impl Refused {
    /// Of a code and a message.
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
        }
    }
}

/// A pretend account of one region: what is in it, and what is going to happen to it.
#[derive(Debug)]
pub struct Account {
    pub(crate) settings: Settings,
    began: Instant,
    now: Instant,
    dice: Pcg64Mcg,
    serial: u64,
    queue: BTreeMap<(Instant, u64), Event>,
    /// Auto Scaling groups by name.
    pub groups: BTreeMap<String, GroupState>,
    /// Instances by id, those included that are gone and still listed.
    pub machines: BTreeMap<String, Machine>,
    /// Launch templates by name; versions begin at 1.
    pub templates: BTreeMap<String, Vec<NewGroup>>,
    /// Images by the parameters of Systems Manager that name them; one that is not here names the usual one.
    pub images: BTreeMap<String, String>,
    /// Managed node groups by name.
    pub node_groups: BTreeMap<String, NodeGroup>,
    /// Fargate profiles by name.
    pub profiles: BTreeMap<String, Profile>,
    pub(crate) updates: BTreeMap<String, eks_state::Update>,
    pub(crate) tokens: BTreeMap<String, (String, Launched)>,
    /// Queues by name.
    pub(crate) messages: BTreeMap<String, Messages>,
    /// Metric points that were put, newest last: namespace, name, dimensions, value, when.
    pub metrics: Vec<MetricPoint>,
    /// Instances that ended, by why; the referee's part.
    pub ended: Vec<(String, Gone)>,
    closed_nanos: i128,
    no_capacity_left: BTreeMap<usize, u32>,
}

/// The image of templates that name none, and of parameters that nobody has set.
pub(crate) const IMAGE: &str = "ami-0123456789abcdef0";

/// One value of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricPoint {
    /// CloudWatch namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Dimensions.
    pub dimensions: BTreeMap<String, String>,
    /// Value.
    pub value: f64,
    /// When.
    pub at: Instant,
}

/// What is going to happen.
#[derive(Clone, Debug)]
enum Event {
    Reconcile(String),
    Running(String),
    Joined(String),
    Proceed(String),
    Gone(String),
    Forgotten(String),
    Reclaimed(String),
    Strikes(usize),
    Updated(String),
    ProfileSettled(String),
}

impl Account {
    /// An account as its settings say, at this instant.
    pub fn new(settings: Settings, began: Instant) -> Self {
        let dice = Pcg64Mcg::seed_from_u64(settings.seed);
        let mut account = Self {
            began,
            now: began,
            dice,
            serial: 0,
            queue: BTreeMap::new(),
            groups: BTreeMap::new(),
            machines: BTreeMap::new(),
            templates: BTreeMap::new(),
            images: settings.images.clone(),
            node_groups: BTreeMap::new(),
            profiles: BTreeMap::new(),
            updates: BTreeMap::new(),
            tokens: BTreeMap::new(),
            messages: settings
                .queues
                .iter()
                .map(|name| (name.clone(), Messages::default()))
                .collect(),
            metrics: Vec::new(),
            ended: Vec::new(),
            closed_nanos: 0,
            no_capacity_left: BTreeMap::new(),
            settings,
        };
        account.furnish();
        account
    }

    /// The image that instances of this template start from now.
    pub(crate) fn image(&self, template: &NewGroup) -> String {
        let named = template.image_parameter.as_ref();
        let image = named.and_then(|parameter| self.images.get(parameter));
        image.map_or(IMAGE, String::as_str).to_owned()
    }

    fn furnish(&mut self) {
        let settings = self.settings.clone();
        for template in settings.templates {
            self.templates.insert(template.name.clone(), vec![template]);
        }
        for group in settings.groups {
            self.create_group(group);
        }
        for group in settings.node_groups {
            self.create_node_group(group);
        }
        for profile in settings.profiles {
            self.create_profile(profile);
        }
        for ix in 0..self.settings.faults.len() {
            self.expect_blow(ix);
        }
    }

    /// Lets a fault begin; its time counts from the beginning of the account.
    pub fn strike(&mut self, fault: Fault) {
        self.settings.faults.push(fault);
        self.expect_blow(self.settings.faults.len() - 1);
    }

    /// Ends all faults that last.
    pub fn calm(&mut self) {
        let last = |fault: &&mut Fault| fault.lasts > Span::ZERO;
        for fault in self.settings.faults.iter_mut().filter(last) {
            fault.lasts = Span::from_millis(1);
        }
    }

    fn expect_blow(&mut self, ix: usize) {
        let Some(fault) = self.settings.faults.get(ix) else {
            return;
        };
        if fault.lasts == Span::ZERO {
            let at = (self.began + fault.at).max(self.now);
            self.expect(at, Event::Strikes(ix));
        }
    }

    /// The present instant of the account.
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// Since the beginning.
    pub fn since_began(&self) -> Span {
        self.now.since(self.began)
    }

    /// Lets time pass until then; going back does nothing.
    pub fn advance(&mut self, to: Instant) {
        while let Some(entry) = self.queue.first_entry() {
            if entry.key().0 > to {
                break;
            }
            let ((at, _), event) = entry.remove_entry();
            self.now = at.max(self.now);
            self.happen(event);
        }
        self.now = to.max(self.now);
    }

    /// What all instances have cost so far, nano-dollars, billed by the second with a minute at least.
    pub fn cost_nanos(&self) -> i128 {
        let running = self.machines.values().filter(|machine| machine.ended.is_none());
        self.closed_nanos + running.map(|machine| machine.cost_nanos(self.now)).sum::<i128>()
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Reconcile(group) => self.reconcile(&group),
            Event::Running(id) => self.becomes_running(&id),
            Event::Joined(id) => self.joins(&id),
            Event::Proceed(id) => self.hooks_time_out(&id),
            Event::Gone(id) => self.is_gone(&id),
            Event::Forgotten(id) => {
                self.machines.remove(&id);
            }
            Event::Reclaimed(id) => self.end(&id, Gone::Reclaimed),
            Event::Strikes(ix) => self.blow(ix),
            Event::Updated(id) => self.updated(&id),
            Event::ProfileSettled(name) => self.profile_settled(&name),
        }
    }

    fn expect(&mut self, at: Instant, event: Event) {
        self.serial += 1;
        self.queue.insert((at, self.serial), event);
    }

    fn after(&mut self, lag: Lag, event: Event) {
        let at = self.now + self.drawn(lag);
        self.expect(at, event);
    }

    fn drawn(&mut self, lag: Lag) -> Span {
        let (min, max) = (lag.min.millis(), lag.max.millis());
        Span::from_millis(if min < max {
            self.dice.random_range(min..=max)
        } else {
            min
        })
    }

    /// True with this chance.
    pub(crate) fn chance(&mut self, permille: u32) -> bool {
        self.dice.random_range(0..1000) < permille
    }

    fn draw_some(&mut self, mut from: Vec<String>, count: usize) -> Vec<String> {
        let mut drawn = Vec::new();
        while drawn.len() < count && !from.is_empty() {
            let place = self.dice.random_range(0..from.len());
            drawn.push(from.swap_remove(place));
        }
        drawn
    }

    /// A fresh hexadecimal id such as `i-0123456789abcdef0`.
    pub(crate) fn id(&mut self, prefix: &str) -> String {
        let drawn: u64 = self.dice.random();
        format!("{prefix}{drawn:016x}{:01x}", self.serial % 16)
    }

    /// Faults in force now.
    pub(crate) fn in_force(&self) -> impl Iterator<Item = (usize, &FaultKind)> {
        let since = self.since_began();
        let holds = move |(ix, fault): (usize, &'_ Fault)| fault.holds(since).then_some(ix);
        self.settings
            .faults
            .iter()
            .enumerate()
            .filter_map(move |(ix, fault)| holds((ix, fault)).map(|ix| (ix, &fault.kind)))
    }

    fn blow(&mut self, ix: usize) {
        let Some(kind) = self.settings.faults.get(ix).map(|fault| fault.kind.clone()) else {
            return;
        };
        let running = |spot: bool| {
            let is = |machine: &&Machine| machine.state == MachineState::Running && (!spot || machine.spot);
            self.machines
                .values()
                .filter(is)
                .map(|m| m.id.clone())
                .collect::<Vec<_>>()
        };
        match kind {
            FaultKind::Interruption { permille } => {
                for id in self.share(running(true), permille) {
                    self.interrupt(&id);
                }
            }
            FaultKind::Rebalance { permille } => {
                for id in self.share(running(true), permille) {
                    self.recommend_rebalance(&id);
                }
            }
            FaultKind::Unhealthy { count } => {
                let all = running(false);
                for id in self.draw_some(all, count as usize) {
                    self.set_unhealthy(&id);
                }
            }
            _ => {}
        }
    }

    fn share(&mut self, from: Vec<String>, permille: u32) -> Vec<String> {
        let count = (from.len() * permille as usize).div_ceil(1000);
        self.draw_some(from, count)
    }
}
