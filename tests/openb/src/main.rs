//! `openb-to-kubernetes FILE.csv[.zst|.gz]`: the pods of the openb trace as a Kubernetes PodList on stdout.

use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        let _ = writeln!(io::stderr(), "usage: openb-to-kubernetes FILE.csv[.zst|.gz]");
        return ExitCode::from(2);
    };
    let converted = std::fs::File::open(&path)
        .and_then(|file| openb::convert(file, io::BufWriter::new(io::stdout().lock())));
    match converted {
        Ok(count) => {
            let _ = writeln!(io::stderr(), "{count} pods");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {}: {error}", path.display());
            ExitCode::from(2)
        }
    }
}
