//! What ten thousand rows of a simple rule cost, in time on a core: milliseconds, least of several.

use crate::picture::Picture;
use cpu_time::ThreadTime;
use decide::Policy;
use model::advice::Hook;

use std::time::Duration;

const ROWS: u32 = 10_000;
/// Twice what is wanted of a quiet machine.
const MOST: Duration = Duration::from_millis(10);

#[test]
fn ten_thousand_rows_take_milliseconds() {
    let picture = Picture::of_rows(ROWS);
    for (text, hook) in [
        (
            "placement: forbid fargate when class.memory_mib > 16384",
            Hook::Placement,
        ),
        (
            "placement: forbid any when class.memory_mib > 16384 && set.arch == 'arm64'",
            Hook::Placement,
        ),
        (
            "placement: forbid fargate when class.label('team') == 'ml' && class.owner_kind == 'Job'",
            Hook::Placement,
        ),
        (
            "scaler: replicas min(max(workload.replicas, workload.min), workload.max) because ''",
            Hook::Scaler,
        ),
    ] {
        let policy = rules::read(text.as_bytes(), "").unwrap();
        let view = picture.view(hook);
        let took = (0..7).map(|_| {
            let started = ThreadTime::now();
            assert!(policy.advise(&view, &[]).answer.is_ok());
            started.elapsed()
        });
        let least = took.min().unwrap_or_default();
        println!("{:8.3} ms  {text}", least.as_secs_f64() * 1e3);
        assert!(least <= MOST, "{text}: {least:?} for {ROWS} rows");
    }
}
