//! `plimsoll watch` against a made-up daemon: connections that end, and a reader that goes away.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop the test")]

mod daemon;

use daemon::Daemon;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// After this long it hangs, on however busy a machine.
const PATIENCE: Duration = Duration::from_mins(2);

fn watch(daemon: &Daemon, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(["watch", "-o", "json", "--server", &daemon.address]);
    command.args(args).stdin(Stdio::null());
    command
}

/// The daemon asks a connection to go after a while, and cuts it off a little later.
#[test]
fn a_connection_that_ends_is_not_the_end() {
    let daemon = Daemon::start(Some(Duration::from_millis(300)));
    let run = watch(&daemon, &["--cycles", "20"]).output().unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr),
    );
    assert_eq!(run.status.code(), Some(0), "{err}");
    assert_eq!(out.lines().count(), 20, "{out}");
    assert!(daemon.streams() > 1 && err.contains("watching again"), "{err}");
}

#[test]
fn a_daemon_that_is_gone_for_good_is_an_error() {
    let daemon = Daemon::start(None);
    let address = daemon.address.clone();
    drop(daemon);
    let run = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["watch", "--server", &address])
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&run.stderr).contains("no daemon answers"));
}

/// `plimsoll watch | head -1`.
#[test]
fn it_ends_when_nobody_reads_on() {
    let daemon = Daemon::start(None);
    let mut child = watch(&daemon, &[]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.starts_with('{'), "{line}");
    let begun = Instant::now();
    let code = loop {
        if let Some(ended) = child.try_wait().unwrap() {
            break ended.code();
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it goes on for nobody");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(code, Some(0));
}
