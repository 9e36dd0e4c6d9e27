//! Writes the inputs that a fuzz target begins with: `seeds TARGET FOLDER`.

// Its marks are in the library: they want libFuzzer, also where nothing is fuzzed.
use libfuzzer_sys as _;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, target, folder] = arguments.as_slice() else {
        return ExitCode::from(2);
    };
    let seeds = plimsoll_fuzz::seeds(target);
    let write =
        |(name, bytes): &(String, Vec<u8>)| std::fs::write(Path::new(folder).join(name), bytes).is_ok();
    if seeds.is_empty() || !seeds.iter().all(write) {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
