//! What a verb prints: JSON or tables on stdout, everything else on stderr, colours only on a terminal.
//!
//! A closed pipe (`plimsoll … | head`) is not an error.

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// A write to stdout met a closed pipe.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// `-o`, to be flattened into the arguments of a verb.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct OutputArgs {
    /// How results are printed.
    #[arg(short = 'o', long = "output", value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub(crate) output: Format,
}

/// Forms of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For tools; documented and only ever added to.
    Json,
}

/// Prints a value as one indented JSON document on stdout.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut document = serde_json::to_vec_pretty(value)?;
    document.push(b'\n');
    bytes(&document)
}

/// Prints one value as one line of JSON on stdout (streams).
pub(crate) fn json_line(value: &impl Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    bytes(&line)
}

/// Prints one line on stdout.
pub(crate) fn line(text: impl std::fmt::Display) -> anyhow::Result<()> {
    bytes(format!("{text}\n").as_bytes())
}

/// Prints bytes on stdout as they are.
pub(crate) fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            CLOSED.store(true, Ordering::Relaxed);
            Ok(())
        }
        other => Ok(other?),
    }
}

/// Whether nobody reads on: a verb that prints without end ends then.
pub(crate) fn is_closed() -> bool {
    CLOSED.load(Ordering::Relaxed)
}

/// Text of an input without anything that would steer a terminal or hide what it says.
pub(crate) fn plain(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars()
        .map(|c| if steers(c) { '\u{fffd}' } else { c })
        .collect()
}

/// An empty table with these column heads; fill it with `add_row` and print it with `line`.
pub(crate) fn table(heads: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(heads.iter().map(|head| head.to_uppercase()));
    table
}

/// A message for the person at the terminal, on stderr.
pub(crate) fn say(text: impl std::fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// An error, on stderr: `error: …`, causes on the same line.
pub(crate) fn complain(error: &anyhow::Error) {
    let head = if stderr_has_colours() {
        "\u{1b}[1;31merror:\u{1b}[0m"
    } else {
        "error:"
    };
    say(format_args!("{head} {error:#}"));
}

fn stderr_has_colours() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// A spinner on stderr for work that takes longer than two seconds; it shows on a terminal only and goes away
/// when dropped.
pub(crate) struct Progress {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Progress {
    /// Starts to wait.
    pub(crate) fn start(what: &'static str) -> Self {
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            let patience = Duration::from_secs(2);
            if !matches!(
                stopped.recv_timeout(patience),
                Err(mpsc::RecvTimeoutError::Timeout)
            ) {
                return;
            }
            let spinner = indicatif::ProgressBar::new_spinner().with_message(what);
            spinner.enable_steady_tick(Duration::from_millis(120));
            let _ = stopped.recv();
            spinner.finish_and_clear();
        });
        Self {
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(
            plain("a\u{1b}[31mb\n\u{202e}c\u{9b}d é"),
            "a\u{fffd}[31mb\u{fffd}\u{fffd}c\u{fffd}d é"
        );
    }
}
