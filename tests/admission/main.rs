//! Placement at admission on a real API server: the chart's own registration, the daemon behind it, EKS' webhook (as
//! `support::eks` plays it) behind that.
//!
//! `stories` is what must hold; `rows` are figures. The figures are generous and short unless
//! `PLIMSOLL_ADMISSION_SECONDS` says how long each part of them should take: then the limits are those of the targets.

#![expect(clippy::print_stdout, reason = "the figures")]
#![expect(clippy::panic, reason = "all of this is test code")]

mod load;
mod rows;
mod stories;
mod world;

use std::future::Future;
use tokio::sync::Mutex;

/// Held by the story that is being told: they share two cores.
static STAGE: Mutex<()> = Mutex::const_new(());

/// Tells one story after the others.
async fn tell(name: &str, story: impl Future<Output = plimsoll_tests::Result<()>>) {
    let _stage = STAGE.lock().await;
    let began = std::time::Instant::now();
    if let Err(error) = story.await {
        panic!("{name}: {error}");
    }
    println!("{name}: {:.1}s", began.elapsed().as_secs_f32());
}
