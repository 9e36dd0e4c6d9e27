//! The daemon on a simulated world: plays a scenario, shows decisions as they fall, ends with a scorecard.
//!
//! The same desk, cycle and listeners as on a live cluster; only the ends and the clock are the world's.

use super::shown::Screen;
use super::{local_store, log_writer, open, policies, stop, surround};
use crate::config::{Config, Simulated};
use crate::signals::Signals;
use anyhow::Context;
use cycle::{MemoryStore, Parts};
use guard::Fence;
use host::Turns;
use model::Span;
use serve::LoopbackOnly;
use sim::{Pace, Played, Player, Scenario};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Plays to the end, or until told to stop.
pub(super) async fn run(
    mut config: Config,
    world: Simulated,
    (signals, turns): (Signals, &Turns),
) -> anyhow::Result<()> {
    let scenario = config.named.scenario.take();
    let player = Player::new(scenario.context("provider.simulated.scenario: was not read")?);
    let scenario = player.scenario();
    let mut policies = policies(&config, turns).await?;
    let aims = config.aims.clone().unwrap_or_else(|| scenario.aims.clone());
    let (loader, timings) = (policies.loader(), policies.timings());
    let parts = Parts {
        clock: player.clock(),
        policies: policies.now(),
        aims,
        mode: config.mode,
        store: local_store(&config.ledger).unwrap_or_else(|| Box::new(MemoryStore::default())),
        log: log_writer(config.logbook.as_ref())?,
        library: Box::new(policies),
        fence: Fence::sole(),
        overdue: config
            .overdue
            .unwrap_or_else(|| Span::from_millis(scenario.cycle.millis().saturating_mul(6))),
    };
    let desk = open(parts, loader).await;
    // Only this machine is let in: a world of our own has no cluster to ask about tokens.
    let serving = surround(&config, &desk, Arc::new(LoopbackOnly), (&signals, timings)).await?;
    let screen = Screen::open(scenario, &serving);
    let mut show = |moment: sim::Moment<'_>| screen.moment(&moment);
    let played = tokio::select! {
        played = player.play(&desk, pace(world.pace), &mut show) => Some(played),
        () = signals.ended() => None,
    };
    desk.stop();
    screen.close();
    if let Some(played) = &played {
        end(&world, scenario, played, &screen)?;
        if world.keep {
            screen.say(&format!(
                "still serving gRPC on {}; end it with Ctrl-C",
                serving.grpc
            ));
            signals.ended().await;
        }
    }
    stop(serving).await;
    Ok(desk.park().await?)
}

fn pace(pace: Span) -> Pace {
    match u64::try_from(pace.millis()) {
        Ok(millis) if millis > 0 => Pace::Over(Duration::from_millis(millis)),
        _ => Pace::Free,
    }
}

/// Scorecard and report.
fn end(world: &Simulated, scenario: &Scenario, played: &Played, screen: &Screen) -> anyhow::Result<()> {
    screen.say(&format!("\n{}", played.scorecard));
    if let Some(file) = &world.scorecard {
        let text = serde_json::to_string_pretty(&played.scorecard)?;
        write(file, &text)?;
    }
    if let Some(file) = &world.report {
        write(file, &sim::report(scenario, played))?;
        screen.say(&format!("the day in pictures: {}", file.display()));
    }
    Ok(())
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
