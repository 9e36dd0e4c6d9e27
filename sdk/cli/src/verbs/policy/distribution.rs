//! `policy push|pull|sign|verify`: policies in OCI registries, and who stands for them.
//!
//! Not here: the wire and the signatures (`registry`), and what a policy may be (`host`).

mod described;

use super::build;
use crate::exit::{Exit, Unreadable};
use crate::input;
use crate::output::{self, Format, OutputArgs, line, say};
use anyhow::Context;
use clap::Subcommand;
use host::Limits;
use registry::keys::{KeySet, PrivateKey};
use registry::{Client, Digest, Fault, PATIENCE, Reference, signature};
use serde_json::json;
use std::future::Future;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The verbs; flattened into those of `policy`.
#[derive(Subcommand)]
pub(super) enum Verb {
    /// Push a policy to an OCI registry, and sign it on the way.
    Push(PushArgs),
    /// Fetch a policy from an OCI registry; with keys only one that they signed.
    Pull(PullArgs),
    /// Sign a policy in a registry, or make the keys to do it.
    Sign(SignArgs),
    /// Tell whether a policy in a registry is signed by a trusted key.
    Verify(VerifyArgs),
}

/// Arguments of `policy push`.
#[derive(clap::Args)]
pub(super) struct PushArgs {
    /// Its folder, which is built, or a component.
    policy: PathBuf,
    /// Where to: host/namespace/name:tag.
    reference: Reference,
    /// Private key to sign it with, PEM; the tag moves when it is signed.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// One more annotation of the manifest, as in org.opencontainers.image.source=https://…
    #[arg(long, value_name = "NAME=TEXT", value_parser = annotation)]
    annotation: Vec<(String, String)>,
    #[command(flatten)]
    wire: WireArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Arguments of `policy pull`.
#[derive(clap::Args)]
pub(super) struct PullArgs {
    /// Which: host/namespace/name:tag, or @sha256:….
    reference: Reference,
    /// The component's file; default: the last part of the name, with .wasm.
    #[arg(long, value_name = "FILE.wasm")]
    out: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    wire: WireArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Arguments of `policy sign`.
#[derive(clap::Args)]
pub(super) struct SignArgs {
    /// Which: host/namespace/name:tag, or @sha256:….
    #[arg(required_unless_present = "generate")]
    reference: Option<Reference>,
    /// Private key, PEM (PKCS#8).
    #[arg(long, value_name = "FILE", required_unless_present = "generate")]
    key: Option<PathBuf>,
    /// Make a pair of keys instead: PREFIX.key, which is secret, and PREFIX.pub.
    #[arg(long, value_name = "PREFIX", conflicts_with_all = ["reference", "key"])]
    generate: Option<PathBuf>,
    #[command(flatten)]
    wire: WireArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Arguments of `policy verify`.
#[derive(clap::Args)]
pub(super) struct VerifyArgs {
    /// Which: host/namespace/name:tag, or @sha256:….
    reference: Reference,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    wire: WireArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Who is trusted.
#[derive(clap::Args)]
struct TrustArgs {
    /// Public keys that are trusted, PEM: files, or folders of *.pub and *.pem; may be given several times.
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    /// What counts no longer: a file of keys' fingerprints and versions' digests, one a line, or of the keys themselves.
    #[arg(long, value_name = "FILE", requires = "key")]
    revoked: Option<PathBuf>,
}

/// How the registry is reached.
#[derive(clap::Args)]
struct WireArgs {
    /// Without TLS, also beyond this machine.
    #[arg(long)]
    plain_http: bool,
}

fn annotation(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("NAME=TEXT is wanted".to_owned()),
    }
}

/// Runs one of the verbs.
pub(super) fn run(verb: Verb) -> anyhow::Result<Exit> {
    match verb {
        Verb::Push(args) => push(&args),
        Verb::Pull(args) => pull(&args),
        Verb::Sign(args) => match &args.generate {
            Some(prefix) => generate(prefix, args.output.output),
            None => sign(&args),
        },
        Verb::Verify(args) => verify(&args),
    }
}

fn push(args: &PushArgs) -> anyhow::Result<Exit> {
    let key = args
        .key
        .as_deref()
        .map(PrivateKey::read)
        .transpose()
        .map_err(told)?;
    let component = if args.policy.is_dir() {
        let progress = output::Progress::start("building");
        let built = build::component(&args.policy).map_err(Unreadable::new)?;
        drop(progress);
        built.bytes
    } else {
        input::read(&args.policy)?
    };
    let artifact = described::artifact(component, &args.annotation)
        .map_err(|why| Unreadable::new(format_args!("{}: {why}", args.policy.display())))?;
    let (bytes, sha256) = (artifact.component.len(), Digest::of(&artifact.component));
    let client = args.wire.client()?;
    let digest = wait("pushing", client.push(&args.reference, &artifact, key.as_ref()))?;
    let signer = key.map(|key| key.public().fingerprint());
    match args.output.output {
        Format::Json => output::json(&json!({
            "version": "plimsoll.push/v1", "reference": args.reference.to_string(), "digest": digest,
            "component": sha256, "bytes": bytes, "signer": signer, "annotations": artifact.annotations,
        }))?,
        Format::Table => {
            line(format_args!("{}: {} KiB", args.reference, bytes.div_ceil(1024)))?;
            line(format_args!("digest     {digest}"))?;
            line(format_args!("component  {sha256}"))?;
            match signer {
                Some(signer) => line(format_args!("signed by  {signer}"))?,
                None => say("not signed: `plimsoll policy sign --key FILE` does it"),
            }
        }
    }
    Ok(Exit::Done)
}

fn pull(args: &PullArgs) -> anyhow::Result<Exit> {
    let keys = args.trust.keys()?;
    let client = args.wire.client()?;
    let most = Limits::default().wasm_bytes as u64;
    let fetched = wait("pulling", async {
        let digest = client.digest(&args.reference).await?;
        let signer = match &keys {
            Some(keys) => {
                let signatures = client.signatures(&args.reference, &digest).await?;
                Some(signature::signer(&signatures, &digest, keys)?.1)
            }
            None => None,
        };
        Ok((client.policy(&args.reference, &digest, most).await?, signer))
    });
    let (fetched, signer) = match fetched {
        Ok(fetched) => fetched,
        Err(error) => return no(error),
    };
    let file = args.out.clone().unwrap_or_else(|| {
        let name = args.reference.repository().rsplit('/').next().unwrap_or("policy");
        PathBuf::from(format!("{name}.wasm"))
    });
    build::write(&file, &fetched.component)
        .map_err(|why| Unreadable::new(format_args!("{}: {why}", file.display())))?;
    match args.output.output {
        Format::Json => output::json(&json!({
            "version": "plimsoll.pull/v1", "reference": args.reference.to_string(), "digest": fetched.digest,
            "component": fetched.manifest.layer.digest, "bytes": fetched.component.len(), "signer": signer,
            "file": file.display().to_string(), "annotations": fetched.manifest.annotations,
        }))?,
        Format::Table => {
            line(format_args!(
                "{}: {} KiB",
                file.display(),
                fetched.component.len().div_ceil(1024)
            ))?;
            line(format_args!("digest     {}", fetched.digest))?;
            match signer {
                Some(signer) => line(format_args!("signed by  {signer}"))?,
                None => say("nobody's signature was asked for: name trusted keys with --key"),
            }
            for (name, text) in &fetched.manifest.annotations {
                line(format_args!("{}: {}", output::plain(name), output::plain(text)))?;
            }
        }
    }
    Ok(Exit::Done)
}

fn sign(args: &SignArgs) -> anyhow::Result<Exit> {
    let (Some(reference), Some(key)) = (&args.reference, &args.key) else {
        return Err(Unreadable::new("a reference and --key are wanted").into());
    };
    let key = PrivateKey::read(key).map_err(told)?;
    let client = args.wire.client()?;
    let (digest, new) = wait("signing", async {
        let digest = client.digest(reference).await?;
        let new = client.sign(reference, &digest, &key).await?;
        Ok((digest, new))
    })?;
    let signer = key.public().fingerprint();
    match args.output.output {
        Format::Json => output::json(&json!({
            "version": "plimsoll.sign/v1", "reference": reference.to_string(), "digest": digest, "signer": signer, "new": new,
        }))?,
        Format::Table => {
            let already = if new { "" } else { " already" };
            line(format_args!(
                "{} is{already} signed by {signer}",
                reference.at(&digest)
            ))?;
        }
    }
    Ok(Exit::Done)
}

fn verify(args: &VerifyArgs) -> anyhow::Result<Exit> {
    let Some(keys) = args.trust.keys()? else {
        return Err(Unreadable::new("--key: name the public keys that are trusted").into());
    };
    let client = args.wire.client()?;
    let (digest, found) = wait("verifying", async {
        let digest = client.digest(&args.reference).await?;
        let signatures = client.signatures(&args.reference, &digest).await?;
        let found = signature::signer(&signatures, &digest, &keys);
        Ok((digest, found))
    })?;
    let signer = found.as_ref().ok().map(|(_, signer)| signer.clone());
    let why = found.as_ref().err().map(ToString::to_string);
    match args.output.output {
        Format::Json => output::json(&json!({
            "version": "plimsoll.verify/v1", "reference": args.reference.to_string(), "digest": digest,
            "verified": signer.is_some(), "signer": signer, "why": why,
        }))?,
        Format::Table => match (&signer, &why) {
            (Some(signer), _) => line(format_args!(
                "{} is signed by {signer}",
                args.reference.at(&digest)
            ))?,
            (None, why) => line(why.as_deref().unwrap_or_default())?,
        },
    }
    Ok(if signer.is_some() { Exit::Done } else { Exit::No })
}

/// Writes a new pair of keys; neither file may be there before.
fn generate(prefix: &Path, format: Format) -> anyhow::Result<Exit> {
    let (key, secret) = PrivateKey::generate().map_err(told)?;
    let with = |end: &str| {
        let mut name = prefix.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    let (private, public) = (with(".key"), with(".pub"));
    for (file, text, mode) in [(&private, secret, 0o600), (&public, key.public().pem(), 0o644)] {
        let made = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(file);
        made.and_then(|mut made| made.write_all(text.as_bytes()))
            .map_err(|why| Unreadable::new(format_args!("{}: {why}", file.display())))?;
    }
    let fingerprint = key.public().fingerprint();
    match format {
        Format::Json => output::json(&json!({
            "version": "plimsoll.keys/v1", "fingerprint": fingerprint,
            "private": private.display().to_string(), "public": public.display().to_string(),
        }))?,
        Format::Table => line(format_args!(
            "{} (keep it secret) and {}: {fingerprint}",
            private.display(),
            public.display()
        ))?,
    }
    Ok(Exit::Done)
}

impl WireArgs {
    fn client(&self) -> anyhow::Result<Client> {
        Client::new(self.plain_http, PATIENCE).map_err(told)
    }
}

impl TrustArgs {
    fn keys(&self) -> anyhow::Result<Option<KeySet>> {
        if self.key.is_empty() {
            return Ok(None);
        }
        KeySet::read(&self.key, self.revoked.as_deref())
            .map(Some)
            .map_err(told)
    }
}

/// Waits for a registry, with a sign of life.
fn wait<T>(what: &'static str, work: impl Future<Output = Result<T, Fault>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let progress = output::Progress::start(what);
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    drop(progress);
    done.map_err(told)
}

/// What was asked for is not there or not what it should be: 2; the registry does not do as it should: 3.
fn told(fault: Fault) -> anyhow::Error {
    match fault {
        Fault::Login { .. }
        | Fault::Unauthorized { .. }
        | Fault::Busy { .. }
        | Fault::Refused { .. }
        | Fault::Unreachable { .. } => anyhow::Error::new(fault),
        // Told apart again by `no`.
        Fault::Unsigned { .. } | Fault::Untrusted { .. } | Fault::Barred { .. } => anyhow::Error::new(fault),
        other => Unreadable::new(other).into(),
    }
}

/// Not signed by anybody trusted: the answer is no.
fn no(error: anyhow::Error) -> anyhow::Result<Exit> {
    if matches!(
        error.downcast_ref(),
        Some(Fault::Unsigned { .. } | Fault::Untrusted { .. } | Fault::Barred { .. })
    ) {
        output::complain(&error);
        return Ok(Exit::No);
    }
    Err(error)
}
