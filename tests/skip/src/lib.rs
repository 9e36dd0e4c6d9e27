//! How a test says that it cannot run here: `skipped: <why>`, counted. With CI=true that is a failure, except
//! where the test says that it rests on outside data.

use std::io::Write as _;

/// Notes that something cannot run on this machine.
///
/// # Panics
/// Where CI=true: there nothing may be skipped.
pub fn skip(what: &str, why: &str) {
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "skipped in CI: {what}: {why}"
    );
    note(what, why);
}

/// Notes that outside data (`PLIMSOLL_DATA`) is absent; allowed everywhere, its fixture has run instead.
pub fn skip_without_data(what: &str, why: &str) {
    note(what, why);
}

/// Notes that part of a test went without something that no machine need give; allowed everywhere.
#[expect(clippy::print_stdout, reason = "said where the test is seen")]
pub fn note(what: &str, why: &str) {
    println!("skipped: {what}: {why}");
    let Some(path) = std::env::var_os("PLIMSOLL_SKIPS") else {
        return;
    };
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    if let Ok(mut file) = file {
        let _ = writeln!(file, "{what}: {why}");
    }
}
