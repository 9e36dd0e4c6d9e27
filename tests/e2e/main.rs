//! The end-to-end stories: the daemon on a real control plane and an AWS account on moto, each asserted on what the
//! API server and the account say, not on the daemon's words.
//!
//! One story at a time: they share two cores. What is about one room only is tested there.

#![expect(clippy::print_stdout, reason = "how long each story took")]
#![expect(clippy::panic, reason = "all of this is test code")]
#![expect(clippy::large_futures, reason = "one story at a time, told once")]

mod access;
mod components;
mod demand;
mod dry_run;
mod fargate;
mod faults;
mod policies;
mod world;

use std::future::Future;
use tokio::sync::Mutex;

/// Held by the story that is being told.
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
