//! Open loops: requests are sent when their time has come, whether or not earlier ones have been answered, and their
//! time is taken from when they should have been sent.

use plimsoll_tests::Result;
use plimsoll_tests::https::{Connection, Trust};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Times of one load, sorted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    pub(crate) fn merge(self, other: &Self) -> Self {
        Self::of([self.0, other.0.clone()].concat())
    }

    /// Milliseconds below which this share of them lies.
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index"
        )]
        let at = ((self.0.len() as f64 * percent / 100.0).ceil() as usize).clamp(1, self.0.len().max(1)) - 1;
        self.0.get(at).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn shown(&self) -> String {
        let [half, most, p999, max] = [50.0, 99.0, 99.9, 100.0].map(|percent| self.percentile(percent));
        format!(
            "{} requests: p50 {half:.2} ms, p99 {most:.2} ms, p99.9 {p999:.2} ms, max {max:.2} ms",
            self.len()
        )
    }
}

/// An answer and the time it took.
type Answered = (Vec<u8>, Duration);

/// Does `each` so many times a second for so long; gives what came out with the time it took.
pub(crate) async fn open<T: Send + 'static, F>(
    per_second: u32,
    seconds: f64,
    each: impl Fn(u32) -> F,
) -> Result<(Vec<T>, Times)>
where
    F: Future<Output = Result<T>> + Send + 'static,
{
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    let count = (f64::from(per_second) * seconds) as u32;
    let start = Instant::now() + Duration::from_millis(20);
    let mut running = JoinSet::new();
    for n in 0..count {
        let due = start + Duration::from_secs_f64(f64::from(n) / f64::from(per_second));
        tokio::time::sleep_until(due).await;
        let asked = each(n);
        running.spawn(async move {
            let answer = asked.await;
            (answer, due.elapsed())
        });
    }
    let (mut answers, mut times) = (Vec::new(), Vec::new());
    while let Some(done) = running.join_next().await {
        let (answer, took) = done?;
        answers.push(answer?);
        times.push(took);
    }
    Ok((answers, Times::of(times)))
}

/// Posts to the webhook over so many connections, each of which takes every so-manieth request when it is due. A
/// connection is made anew every `anew` requests, and its handshake counts.
pub(crate) async fn post(
    (address, trust): (SocketAddr, impl Fn() -> Trust),
    (per_second, seconds): (u32, f64),
    (connections, anew): (u32, u32),
    body: impl Fn(u32) -> Vec<u8> + Send + Sync + 'static,
) -> Result<(Vec<Vec<u8>>, Times)> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    let count = (f64::from(per_second) * seconds) as u32;
    let start = Instant::now() + Duration::from_millis(200);
    let body = Arc::new(body);
    let mut running: JoinSet<Result<Vec<Answered>>> = JoinSet::new();
    for lane in 0..connections {
        let (trust, body) = (trust(), Arc::clone(&body));
        running.spawn(async move {
            let mut connection = Connection::open(address, &trust).await?;
            let mut done = Vec::new();
            for (sent, n) in (1..).zip((lane..count).step_by(connections as usize)) {
                let due = start + Duration::from_secs_f64(f64::from(n) / f64::from(per_second));
                let body = body(n);
                tokio::time::sleep_until(due).await;
                if sent % anew == 0 {
                    connection = Connection::open(address, &trust).await?;
                }
                let (status, answer) = connection.post("/admit/v1/pods", &body).await?;
                if status != 200 {
                    return Err(format!("the webhook answered {status}").into());
                }
                done.push((answer, due.elapsed()));
            }
            Ok(done)
        });
    }
    let (mut answers, mut times) = (Vec::new(), Vec::new());
    while let Some(lane) = running.join_next().await {
        for (answer, took) in lane?? {
            answers.push(answer);
            times.push(took);
        }
    }
    Ok((answers, Times::of(times)))
}
