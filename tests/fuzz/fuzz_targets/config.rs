//! The readers of what operators write: the daemon's configuration, aims, and the configuration of a policy. Whatever
//! text comes is read or refused in words.
//!
//! The first byte chooses the reader. Files that a configuration names are not opened.

#![no_main]

#[path = "../../../daemon/src"]
#[expect(dead_code, unused_imports, reason = "of the daemon only its configuration")]
mod daemon {
    pub(crate) mod config;
}

use daemon::config::Config;
use host::{Compiled, Engine, Limits};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static HARMLESS: LazyLock<Option<Compiled>> = LazyLock::new(|| {
    let bytes = plimsoll_fuzz::guest_that_answers("placement");
    Engine::new().ok()?.compile(&bytes, &Limits::default()).ok()
});

fuzz_target!(|data: &[u8]| {
    let Some((first, text)) = data.split_first() else {
        return;
    };
    match first % 3 {
        0 => {
            let names_a_file = text.windows(9).any(|bytes| bytes == b"aims_file");
            if !names_a_file && let Err(problems) = Config::parse("fuzz.yaml", text) {
                assert!(!problems.to_string().is_empty());
            }
        }
        1 => {
            if let Err(problems) = manifest::aims("fuzz.yaml", text) {
                assert!(!problems.to_string().is_empty());
            }
        }
        _ => {
            let (Some(compiled), Ok(text)) = (HARMLESS.as_ref(), std::str::from_utf8(text)) else {
                return;
            };
            let _ = compiled.configured(text, &Limits::default());
        }
    }
});
