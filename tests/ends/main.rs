//! The AWS eyes and hands against real emulators: moto (Auto Scaling, EC2, ECS) and ministack (CloudWatch), started by
//! the tests themselves.
//!
//! Everything goes through the real SDK and over the wire. Not here: the daemon around them (`e2e`).

#![expect(clippy::unwrap_used, reason = "all of this is test code")]

mod activities;
mod bad_input;
mod batch;
mod bounds;
mod budget;
mod cloudwatch;
mod ecs;
mod eyes;
mod facade;
mod faults;
mod hands;
mod hooks;
mod images;
mod notices;
mod prices;
mod warm_pool;

use model::ids::{GroupName, InstanceId, IntentId, NodeName, OfferId, StepId};
use model::money::UsdPerHour;
use model::outcome::Outcome;
use model::plan::{Step, StepKind};
use model::reason::Reason;
use model::time::Instant;
use plimsoll_tests::aws::{self, Account};
use plimsoll_tests::emulator::Emulator;
use plimsoll_tests::{skip, tools};
use sim_aws::{Clock, Facade};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const CLUSTER: &str = "blue";
/// What takes longer than this hangs, on however busy a machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// What stands for AWS: moto, which knows nothing of us, and our own façade, which knows what moto leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    Moto,
    Facade,
}

/// An empty account; it ends when dropped.
struct Ground {
    url: String,
    _held: Held,
}

#[expect(dead_code, reason = "held until the test ends")]
enum Held {
    Moto(Emulator),
    Facade(Facade),
}

impl On {
    /// An empty account and its owner; nothing where the emulator cannot be had.
    async fn ground(self, test: &str) -> Option<(Ground, Account)> {
        let ground = match self {
            Self::Moto => {
                if let Err(why) = tools::emulators() {
                    skip::skip(test, &why);
                    return None;
                }
                let moto = Emulator::moto().unwrap();
                let url = moto.url.clone();
                Ground {
                    url,
                    _held: Held::Moto(moto),
                }
            }
            Self::Facade => {
                let facade = facade(at_once()).await;
                let url = facade.url.clone();
                Ground {
                    url,
                    _held: Held::Facade(facade),
                }
            }
        };
        let account = Account::at(&ground.url).await;
        Some((ground, account))
    }
}

/// moto, where a test is about what it leaves out.
async fn moto(test: &str) -> Option<(Ground, Account)> {
    On::Moto.ground(test).await
}

/// An account without delays.
fn at_once() -> sim_aws::Settings {
    let none = sim_aws::Lag::secs(0, 0);
    sim_aws::Settings {
        boot: none,
        join: none,
        react: none,
        behind: none,
        ..sim_aws::Settings::default()
    }
}

async fn facade(settings: sim_aws::Settings) -> Facade {
    let at = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    Facade::start(settings, at, Clock::Wall { speed: 1 })
        .await
        .unwrap()
}

/// Hands over the endpoint at `url`.
async fn hands(url: &str, launch: act::aws::Launch) -> act::aws::Hands {
    act::aws::Hands::new(&aws::sdk(url).await, CLUSTER.to_owned(), launch, Arc::default())
}

/// Eyes over the endpoint at `url`.
async fn eyes(url: &str, settings: observe::aws::Settings) -> observe::aws::Groups {
    observe::aws::Groups::new(&aws::sdk(url).await, settings)
}

fn settings() -> observe::aws::Settings {
    observe::aws::Settings {
        cluster: CLUSTER.to_owned(),
        ..observe::aws::Settings::default()
    }
}

/// A step that grows a group, under an intent of this name.
fn grow(group: &str, intent: &str, from: u32, to: u32) -> Step {
    step(
        intent,
        StepKind::GrowGroup {
            group: GroupName::new(group),
            offer: OfferId::new(format!("{group}/m5.large/us-east-1a/on-demand")),
            from,
            to,
            nodes: Vec::new(),
            pods: Vec::new(),
            rate: UsdPerHour::ZERO,
        },
    )
}

/// A step that removes an instance from a group.
fn remove(group: &str, intent: &str, instance: &str) -> Step {
    step(
        intent,
        StepKind::RemoveNode {
            group: GroupName::new(group),
            node: NodeName::new(format!("node-of-{instance}")),
            instance: InstanceId::new(instance),
        },
    )
}

fn step(intent: &str, kind: StepKind) -> Step {
    let intent = IntentId::new(intent);
    Step {
        id: StepId { cycle: 1, ordinal: 0 },
        intent: Some(intent.clone()),
        generation: 1,
        kind,
        reason: Reason::Continues { intent },
    }
}

fn now() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Instant(i64::try_from(since.as_millis()).unwrap())
}

fn is_done(outcome: &Outcome) {
    assert!(outcome.is_done(), "{outcome:?}");
}
