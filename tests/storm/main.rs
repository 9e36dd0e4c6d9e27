//! The end-to-end run: the daemon on a real control plane and on our own façade of AWS, from nothing to many nodes and
//! back to nothing, over every kind of group, through what goes wrong in an account.
//!
//! Forty nodes by default; `PLIMSOLL_STORM_NODES=500` is the row, `PLIMSOLL_STORM_MINUTES` how long the top is held.
//! Limits on removals and purchases are raised and acknowledged, so that it takes minutes. Not here: one rule of one
//! room, the defaults of the limits, policies, placement on Fargate at admission.

#![expect(clippy::print_stdout, reason = "the figures of the run")]
#![expect(clippy::panic, reason = "all of this is test code")]

mod bill;
mod demand;
mod machines;
mod referee;
mod world;

use plimsoll_tests::wait::eventually;
use plimsoll_tests::{Result, skip, tools};
use std::time::{Duration, Instant};
use world::World;

/// What a run is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Nodes at the top, about.
    pub(crate) nodes: u32,
    /// How long the top is held before the storm, and half of it after.
    pub(crate) held: Duration,
}

impl Size {
    fn told() -> Result<Self> {
        let number = |name: &str, usual: u32| match std::env::var(name) {
            Ok(text) => text.parse().map_err(|_| format!("{name}: {text}")),
            Err(_) => Ok(usual),
        };
        let nodes = number("PLIMSOLL_STORM_NODES", 40)?;
        let usual = if nodes > 100 { 8 } else { 0 };
        let minutes = number("PLIMSOLL_STORM_MINUTES", usual)?;
        Ok(Self {
            nodes,
            held: Duration::from_mins(minutes.into()),
        })
    }

    /// Whether the figures mean something at this size: a large one is held long enough for the way up and down not to
    /// be most of the bill.
    pub(crate) const fn is_large(self) -> bool {
        self.nodes >= 200 && self.held.as_secs() >= 300
    }

    /// Patience with one phase.
    const fn patience(self) -> Duration {
        Duration::from_secs(120 + 2 * self.nodes as u64)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_nothing_through_a_storm_to_nothing() {
    for tool in [tools::testcluster(), tools::kubectl_helm()] {
        if let Err(why) = tool {
            skip::skip("storm", &why);
            return;
        }
    }
    tell().await;
}

async fn tell() {
    if let Err(error) = Box::pin(run()).await {
        panic!("storm: {error}");
    }
}

async fn run() -> Result<()> {
    let size = Size::told()?;
    let mut world = Box::pin(World::new(size)).await?;
    let told = Box::pin(story(&mut world, size)).await;
    let told = match told {
        Ok(()) => ended(&mut world, size),
        Err(error) => Err(error),
    };
    let Err(error) = told else { return Ok(()) };
    let (state, held, log) = (world.state(), world.held().await, world.daemon.log());
    let last = world.last_steps().await;
    Err(format!(
        "{error}\n--- account: {state}\n--- last plan: {held}\n--- last steps\n{last}\n--- plimsolld\n{log}"
    )
    .into())
}

/// Up, storm, half, down.
async fn story(world: &mut World, size: Size) -> Result<()> {
    let began = Instant::now();
    let stamp = |what: &str, world: &World| {
        println!(
            "storm {:>5.0}s {what}: {}",
            began.elapsed().as_secs_f32(),
            world.state()
        );
    };
    world.demand.scale(1.0).await?;
    stamp("asked for the top", world);
    eventually("every satisfiable pod runs", size.patience(), async || {
        world.demand.all_run().await
    })
    .await?;
    stamp("the top", world);
    world.referee.watch_budgets(true);
    tokio::time::sleep(size.held).await;
    world.unsatisfiable_waits().await?;

    let taken = world.strike().await;
    stamp(&format!("{taken} spot machines get their notice"), world);
    eventually("the storm is over", size.patience(), async || {
        Ok((world.about_to_go() == 0).then_some(()))
    })
    .await?;
    stamp("the storm is over", world);
    eventually(
        "its machines are no nodes any more",
        size.patience(),
        async || world.has_settled().await,
    )
    .await?;
    // Nobody knows of the pods that went with them for a moment.
    tokio::time::sleep(Duration::from_secs(3)).await;
    eventually("every satisfiable pod runs again", size.patience(), async || {
        world.demand.all_run().await
    })
    .await?;
    stamp("the top again", world);
    world.referee.watch_budgets(true);
    tokio::time::sleep(size.held / 2).await;

    let before = world.living();
    world.demand.scale(0.5).await?;
    stamp("asked for half", world);
    eventually(
        "a third of the nodes is given back",
        size.patience(),
        async || Ok((world.living() * 3 <= before * 2).then_some(())),
    )
    .await?;
    stamp("a third is given back", world);
    eventually("every satisfiable pod runs", size.patience(), async || {
        world.demand.all_run().await
    })
    .await?;

    world.demand.scale(0.0).await?;
    stamp("asked for nothing", world);
    eventually("nothing is left", size.patience(), async || {
        world.is_empty().await
    })
    .await?;
    stamp("nothing is left", world);
    Ok(())
}

/// What must have held all along, and what it cost.
fn ended(world: &mut World, size: Size) -> Result<()> {
    world.daemon.stop()?;
    let (bound, gaps) = bill::bound(&world.daemon.logbook())?;
    let bill = world.bill();
    let over = (bill / bound - 1.0) * 100.0;
    println!(
        "storm: EC2 bill ${bill:.4}, bound over the demand that occurred ${bound:.4}: {over:+.1} % ({gaps} records)"
    );
    world.referee.verdict(world)?;
    let most = if size.is_large() { 15.0 } else { f64::INFINITY };
    if over > most {
        return Err(format!("the bill is {over:.1} % over the bound, {most} % are allowed").into());
    }
    Ok(())
}
