//! The end-to-end run on a virtual clock: from nothing to many nodes, through a spot storm, and back to nothing as demand
//! falls from hour to hour, over every kind of group and Fargate, on the account of `storm` with all its faults. The
//! limits are those that hold where nobody says anything.
//!
//! Twenty-four nodes by default; `PLIMSOLL_LONG_RUN_NODES=500` is the row. Not here: a real API server and real
//! concurrency (`storm`), one incident (`rows`).

use crate::cluster::Owner;
use crate::ground::Ground;
use crate::incident::Incident;
use crate::ours::Plimsoll;
use crate::referee::Report;
use model::Span;
use plimsoll_tests::blue::{self, APPS, App, DEDICATED, GATE, HOPELESS, POOL, REPORT};
use plimsoll_tests::bound::Bound;
use std::collections::BTreeMap;

/// From one cycle to the next.
const EVERY: Span = Span::from_secs(30);
/// Of what is asked for, in an hour in which demand falls, this much stays.
const FALLS: f64 = 0.93;

fn owner(app: &App) -> Owner {
    Owner {
        cpu_milli: app.asks.0.into(),
        memory_mib: app.asks.1.into(),
        selects: app.pool.map(|pool| (POOL.to_owned(), pool.to_owned())),
        tolerates: Some(DEDICATED.to_owned()),
        apart: app.name == GATE,
        fargate: app.name == REPORT,
        spare: app.missing.map(|_| 0),
        ..Owner::of(app.name, 0)
    }
}

/// The run as far as it has come.
struct Run {
    nodes: u32,
    ground: Ground,
    ours: Plimsoll,
    bound: Bound,
    /// Budgets count: nothing is missing but for what we do.
    watched: bool,
    breaches: Vec<String>,
    cycles: u32,
}

#[tokio::test]
async fn from_nothing_through_a_storm_to_nothing() {
    let nodes = std::env::var("PLIMSOLL_LONG_RUN_NODES").map_or(24, |text| text.parse().unwrap());
    let hours = if nodes >= 200 { 6 } else { 2 };
    let mut run = Run::begin(nodes).await;

    run.ask(1.0);
    run.until("every satisfiable pod runs", 4, Run::all_run).await;
    run.watched = true;
    run.stay(hours).await;
    run.tell("the top");

    let taken = run.ground.cloud.account(blue::strike);
    println!("{taken} spot machines get their notice");
    run.watched = false;
    run.ground.pass(Span::from_secs(300));
    run.until("every satisfiable pod runs again", 4, Run::all_run)
        .await;
    run.watched = true;
    run.stay(hours / 2).await;
    run.tell("after the storm");

    let mut share = 1.0;
    while share > 0.05 {
        share *= FALLS;
        run.ask(share);
        run.stay(1).await;
    }
    run.tell("as demand has fallen");
    run.watched = false;
    run.ask(0.0);
    run.until("no machine is left", 48, |run| run.living() == 0).await;
    run.tell("nothing");
    run.ended();
}

impl Run {
    async fn begin(nodes: u32) -> Self {
        let incident = Incident {
            account: blue::settings(nodes, true),
            fleets: vec![blue::fleet(nodes)],
            owners: APPS.iter().map(owner).collect(),
            ..Incident::of("long run", "issue 5")
        };
        let ground = Ground::of(&incident).await;
        ground.cluster().spreads = true;
        let ours = Plimsoll::begin(&ground, &incident).await;
        Self {
            nodes,
            ground,
            ours,
            bound: Bound::default(),
            watched: false,
            breaches: Vec::new(),
            cycles: 0,
        }
    }

    /// Asks for this share of the top.
    fn ask(&self, share: f64) {
        let mut cluster = self.ground.cluster();
        for (owner, app) in cluster.owners.iter_mut().zip(&APPS) {
            owner.replicas = app.replicas(self.nodes, share);
            owner.spare = app.missing.map(|share| (owner.replicas * share).div_ceil(100));
        }
        cluster.settle();
    }

    async fn cycle(&mut self) {
        self.ours.turn(&self.ground).await;
        self.cycles += 1;
        if let Some(record) = self.ours.last.take().filter(|record| record.has_seen()) {
            self.bound.add(record.at, &record.snapshot, &record.aims);
        }
        self.ground.pass(EVERY);
        if self.watched {
            self.watch_budgets();
        }
    }

    /// Of an owner with a budget, no more pods are missing than it may spare.
    fn watch_budgets(&mut self) {
        let cluster = self.ground.cluster();
        for (at, owner) in cluster.owners.iter().enumerate() {
            let bound = cluster
                .pods
                .values()
                .filter(|pod| pod.owner == at && pod.node.is_some())
                .count();
            let wanted = owner.replicas as usize;
            let missing = wanted.saturating_sub(bound);
            if owner.spare.is_some_and(|spare| missing > spare as usize) {
                let since = cluster.now.since(self.ground.began);
                let what = format!("{since}: {missing} of {wanted} {} are missing", owner.name);
                self.breaches.push(what);
            }
        }
    }

    async fn stay(&mut self, hours: i64) {
        for _ in 0..hours * 3600 / EVERY.secs() {
            self.cycle().await;
        }
    }

    async fn until(&mut self, what: &str, hours: i64, is: fn(&Self) -> bool) {
        for _ in 0..hours * 3600 / EVERY.secs() {
            if is(self) {
                self.tell(what);
                return;
            }
            self.cycle().await;
        }
        let told: Vec<&str> = self.ours.told.iter().rev().take(40).map(String::as_str).collect();
        assert!(
            is(self),
            "{what}: not within {hours} h: {:#?}\n{}",
            self.report(),
            told.join("\n")
        );
    }

    fn all_run(&self) -> bool {
        let cluster = self.ground.cluster();
        let hopeless = cluster
            .owners
            .iter()
            .find(|owner| owner.name == HOPELESS)
            .map_or(0, |owner| owner.replicas as usize);
        let there = cluster.pods.values().len();
        cluster.served() + hopeless == there && cluster.waiting() == hopeless
    }

    fn living(&self) -> usize {
        let lives = |account: &mut sim_aws::Account| account.machines.values().filter(|m| m.lives()).count();
        self.ground.cloud.account(lives)
    }

    fn report(&self) -> Report {
        let calls = self.ground.cloud.calls();
        let cloud = &self.ground.cloud;
        cloud.account(|account| {
            self.ground
                .referee
                .report(account, &self.ground.cluster(), &calls)
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "for reading")]
    fn bill(&self) -> f64 {
        self.ground.cloud.account(|account| account.cost_nanos()) as f64 / 1e9
    }

    fn tell(&self, what: &str) {
        let (bill, bound) = (self.bill(), self.bound.dollars());
        println!(
            "long run {}: {what}: {} machines, {} waiting, bill ${bill:.2}, bound ${bound:.2} ({:+.1} %), {} cycles; {}",
            self.ground.since(),
            self.living(),
            self.ground.cluster().waiting(),
            (bill / bound - 1.0) * 100.0,
            self.cycles,
            self.shares()
        );
    }

    /// Machines by group, type and purchase.
    fn shares(&self) -> String {
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        self.ground.cloud.account(|account| {
            for machine in account.machines.values().filter(|machine| machine.lives()) {
                let group = machine.group.as_deref().unwrap_or("fleet");
                let purchase = if machine.spot { "spot" } else { "on-demand" };
                let what = format!("{group} {} {purchase}", machine.instance_type);
                *counts.entry(what).or_default() += 1;
            }
        });
        let rows = counts.iter().map(|(what, count)| format!("{what} {count}"));
        rows.collect::<Vec<_>>().join(", ")
    }

    /// What must have held all along, and what it cost.
    fn ended(&self) {
        let report = self.report();
        println!("{report:#?}");
        let over = (self.bill() / self.bound.dollars() - 1.0) * 100.0;
        assert_eq!(
            (report.killed, report.by_number, report.orphans, report.idle),
            (0, 0, 0, 0)
        );
        assert!(self.breaches.is_empty(), "{:?}", self.breaches);
        assert!(self.nodes < 200 || over <= 15.0, "{over:.1} % over the bound");
    }
}
