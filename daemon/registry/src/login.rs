//! Who we are at a registry: the logins that Docker keeps (`DOCKER_CONFIG`, `~/.docker/config.json`, credential programs), a
//! token of ECR's own, or nobody.
//!
//! Asked anew whenever a registry refuses the last answer, so that passwords and tokens may change while the daemon runs.

#[cfg(feature = "ecr")]
mod ecr;

use crate::error::Fault;
use docker_credential::{CredentialRetrievalError, DockerCredential};
use oci_client::secrets::RegistryAuth;
use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

/// A file of logins is not read beyond this, bytes.
const MOST: u64 = 1 << 20;
/// A credential program that takes longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// What Docker's credential programs say where there is no login.
const NOT_FOUND: &str = "credentials not found";

/// The login for a registry.
pub(crate) async fn find(registry: &str) -> Result<RegistryAuth, Fault> {
    let login = docker(registry).await?;
    #[cfg(feature = "ecr")]
    if login == RegistryAuth::Anonymous
        && let Some(region) = ecr::region(registry)
    {
        return ecr::login(registry, region).await;
    }
    Ok(login)
}

async fn docker(registry: &str) -> Result<RegistryAuth, Fault> {
    let fault = |why: String| Fault::Login {
        registry: registry.to_owned(),
        why,
    };
    // Docker keeps the login of its own registry under the address of long ago.
    let server = match registry {
        "docker.io" | "index.docker.io" | "registry-1.docker.io" => "https://index.docker.io/v1/",
        other => other,
    }
    .to_owned();
    let Some(file) = config() else {
        return Ok(RegistryAuth::Anonymous);
    };
    let kept = match std::fs::File::open(&file) {
        Ok(kept) => kept.take(MOST),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(RegistryAuth::Anonymous),
        Err(why) => return Err(fault(format!("{}: {why}", file.display()))),
    };
    let asked =
        tokio::task::spawn_blocking(move || docker_credential::get_credential_from_reader(kept, &server));
    let found = tokio::time::timeout(PATIENCE, asked)
        .await
        .map_err(|_| {
            fault(format!(
                "the credential program has not answered within {} s",
                PATIENCE.as_secs()
            ))
        })?
        .map_err(|why| fault(why.to_string()))?;
    match found {
        Ok(DockerCredential::UsernamePassword(name, password)) => Ok(RegistryAuth::Basic(name, password)),
        Ok(DockerCredential::IdentityToken(_)) => Err(fault(
            "is an identity token, which is not supported: log in with a name and a password or access token"
                .to_owned(),
        )),
        Err(CredentialRetrievalError::ConfigNotFound | CredentialRetrievalError::NoCredentialConfigured) => {
            Ok(RegistryAuth::Anonymous)
        }
        // Programs that keep the logins of all registries say so of one that they do not have.
        Err(CredentialRetrievalError::HelperFailure { stdout, stderr, .. })
            if stdout.contains(NOT_FOUND) || stderr.contains(NOT_FOUND) =>
        {
            Ok(RegistryAuth::Anonymous)
        }
        // What the program wrote may hold secrets: only that it failed is told.
        Err(CredentialRetrievalError::HelperFailure { helper, .. }) => Err(fault(format!(
            "{helper} failed: run `echo {registry} | {helper} get` to see why"
        ))),
        Err(why) => Err(fault(format!("{}: {why}", file.display()))),
    }
}

/// Docker's file of logins, where there may be one.
fn config() -> Option<PathBuf> {
    let folder = std::env::var_os("DOCKER_CONFIG")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from);
    let usual = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".docker"));
    Some(folder.or_else(usual)?.join("config.json"))
}
