//! Waiting for something that should come, and watching that something does not.

use crate::Result;
use std::time::{Duration, Instant};

const GLANCE: Duration = Duration::from_millis(150);

/// Looks again and again until there is something; what went wrong in the last look is told when time is up.
pub async fn eventually<T>(
    what: &str,
    within: Duration,
    mut look: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let began = Instant::now();
    loop {
        let trouble = match look().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => String::new(),
            Err(error) => format!(" ({error})"),
        };
        if began.elapsed() > within {
            return Err(format!("not within {}s: {what}{trouble}", within.as_secs()).into());
        }
        tokio::time::sleep(GLANCE).await;
    }
}

/// Looks all the time that something does not happen: `look` gives what must not be there. A look that fails
/// sees nothing.
pub async fn never<T: std::fmt::Debug>(
    what: &str,
    during: Duration,
    mut look: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<()> {
    let began = Instant::now();
    while began.elapsed() < during {
        if let Ok(Some(found)) = look().await {
            return Err(format!(
                "happened after {:.1}s: {what}: {found:?}",
                began.elapsed().as_secs_f32()
            )
            .into());
        }
        tokio::time::sleep(GLANCE).await;
    }
    Ok(())
}
