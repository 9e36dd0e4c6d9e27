//! The Go program as a child process: cases in, verdicts out, many under way at once.

use crate::case::Case;
use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// What the scheduler says about one case.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Answer {
    /// Of the case.
    pub id: String,
    /// By pending pod.
    #[serde(default)]
    pub pods: Vec<Judged>,
    /// What the API server would not take.
    #[serde(default)]
    pub refused: Vec<String>,
    /// Why there is no verdict at all.
    #[serde(default)]
    pub error: String,
}

/// What it says about one pod.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Judged {
    /// `namespace/name`.
    pub pod: String,
    /// Turned down on every node before any was looked at.
    pub everywhere: Option<Rejection>,
    /// Nodes that can have it.
    #[serde(default)]
    pub feasible: Vec<String>,
    /// The others.
    #[serde(default)]
    pub rejected: BTreeMap<String, Vec<Rejection>>,
}

/// A plugin's word.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Rejection {
    /// Its name.
    pub plugin: String,
    /// Its reasons.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// Said before filters ran in their order.
    #[serde(default)]
    pub early: bool,
}

impl Judged {
    /// What objects to the node first; `None` where nothing does.
    pub fn rejection(&self, node: &str) -> Option<&Rejection> {
        if let Some(everywhere) = &self.everywhere {
            return Some(everywhere);
        }
        self.rejected.get(node).and_then(|all| all.first())
    }
}

/// The running program.
pub struct Scheduler {
    child: Child,
    input: Option<BufWriter<ChildStdin>>,
    output: BufReader<ChildStdout>,
}

impl Scheduler {
    /// Builds the program where it is not built yet (`tests/setup/referee.sh`) and starts it.
    pub fn start(workers: usize) -> Result<Self> {
        Self::run(&built()?, workers)
    }

    fn run(program: &Path, workers: usize) -> Result<Self> {
        let mut child = Command::new(program)
            .args(["-j", &workers.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("{} has no pipes", program.display());
        };
        Ok(Self {
            child,
            input: Some(BufWriter::with_capacity(1 << 20, input)),
            output: BufReader::with_capacity(1 << 20, output),
        })
    }

    /// Sends cases; the program judges them while the caller does something else. At most some hundred should be
    /// under way, or both sides wait for each other.
    pub fn send<'c>(&mut self, cases: impl IntoIterator<Item = &'c Case>) -> Result<()> {
        let Some(input) = &mut self.input else {
            bail!("the scheduler is closed");
        };
        for case in cases {
            serde_json::to_writer(&mut *input, case)?;
            input.write_all(b"\n")?;
        }
        input.flush().context("the scheduler reads no more")
    }

    /// The next verdict, in the order of the cases.
    pub fn receive(&mut self) -> Result<Answer> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("the scheduler ended before its last verdict");
        }
        serde_json::from_str(&line).with_context(|| format!("not a verdict: {line}"))
    }

    /// One case, judged at once.
    pub fn ask(&mut self, case: &Case) -> Result<Answer> {
        self.send([case])?;
        self.receive()
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        // It ends when its input does.
        self.input = None;
        let _ = self.child.wait();
    }
}

/// Path of the program, built by its script.
pub fn built() -> Result<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../setup/referee.sh");
    let output = Command::new("bash")
        .arg(&script)
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("bash {}", script.display()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    match said.lines().last() {
        Some(line) if output.status.success() => Ok(PathBuf::from(line.trim())),
        _ => bail!(
            "referee.sh: {}",
            String::from_utf8_lossy(&output.stderr)
                .lines()
                .last()
                .unwrap_or("failed")
        ),
    }
}
