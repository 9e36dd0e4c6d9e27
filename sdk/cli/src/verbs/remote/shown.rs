//! Figures as people read them. Unknown is a dash, never a zero.

pub(crate) use crate::output::plain;
use crate::output::say;
use proto::v1;

pub(crate) const UNKNOWN: &str = "-";

/// Dollars per hour.
#[expect(clippy::cast_precision_loss, reason = "for reading only")]
pub(crate) fn rate(nanos: i64) -> String {
    format!("${:.4}/h", nanos as f64 / 1e9)
}

/// Cores.
pub(crate) fn cpu(milli: i64) -> String {
    match milli {
        milli if milli % 1000 == 0 => (milli / 1000).to_string(),
        milli => format!("{milli}m"),
    }
}

/// Memory, in the largest unit that keeps two digits.
pub(crate) fn memory(bytes: i64) -> String {
    const MIB: i64 = 1 << 20;
    const GIB: i64 = 1 << 30;
    match bytes {
        bytes if bytes >= 10 * GIB => format!("{}Gi", bytes / GIB),
        bytes => format!("{}Mi", bytes / MIB),
    }
}

/// Thousandths as percent.
pub(crate) fn percent(permille: Option<u32>) -> String {
    permille.map_or_else(|| UNKNOWN.to_owned(), |n| format!("{}%", (n + 5) / 10))
}

/// An instant in UTC.
pub(crate) fn instant(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis).map_or_else(
        |_| UNKNOWN.to_owned(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

/// Text, or a dash.
pub(crate) fn text(text: &str) -> String {
    if text.is_empty() {
        UNKNOWN.to_owned()
    } else {
        plain(text)
    }
}

/// `observe`, `act`.
pub(crate) fn mode(mode: i32) -> &'static str {
    match v1::Mode::try_from(mode) {
        Ok(v1::Mode::Observe) => "observe",
        Ok(v1::Mode::Act) => "act",
        Ok(v1::Mode::Unspecified) | Err(_) => UNKNOWN,
    }
}

/// `Deployment ns/name`.
pub(crate) fn workload(key: Option<&v1::WorkloadRef>) -> String {
    key.map_or_else(
        || UNKNOWN.to_owned(),
        |key| plain(&format!("{} {}/{}", key.kind, key.namespace, key.name)),
    )
}

/// One line of a step: verdict, what, why, and what came of it.
pub(crate) fn step(step: &v1::Step) -> String {
    use v1::verdict::Kind;
    let verdict = step.verdict.as_ref();
    let word = match verdict.map(v1::Verdict::kind) {
        Some(Kind::Cleared) => "cleared",
        Some(Kind::Held) => "held",
        Some(Kind::Struck) => "struck",
        Some(Kind::Unspecified) | None => "would",
    };
    let mut line = format!("{word:<8}{} — {}", step.what, step.reason);
    if let Some(why) = verdict.map(|v| v.text.as_str()).filter(|why| !why.is_empty()) {
        line.push_str("; ");
        line.push_str(why);
    }
    if let Some(outcome) = &step.outcome {
        line.push_str(" → ");
        line.push_str(&outcome.text);
    }
    plain(&line)
}

/// Something under the table that is worth knowing, on stderr.
pub(crate) fn aside(text: &str) {
    if !text.is_empty() {
        say(plain(text));
    }
}
