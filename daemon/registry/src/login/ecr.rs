//! Tokens of Amazon ECR, by the usual chain of AWS credentials. Nothing is kept: a token lives for 12 hours and is asked for
//! again when the registry refuses it.

use crate::error::Fault;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_ecr::error::DisplayErrorContext;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci_client::secrets::RegistryAuth;
use std::time::Duration;

/// Region of a private registry, `<account>.dkr.ecr.<region>.amazonaws.com` with what China and FIPS make of it.
pub(super) fn region(registry: &str) -> Option<&str> {
    let host = registry
        .strip_suffix(".amazonaws.com")
        .or_else(|| registry.strip_suffix(".amazonaws.com.cn"))?;
    let (account, rest) = host.split_once(".dkr.")?;
    let region = rest
        .strip_prefix("ecr.")
        .or_else(|| rest.strip_prefix("ecr-fips."))?;
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    (is_account && !region.is_empty() && !region.contains('.')).then_some(region)
}

/// A token of this registry.
pub(super) async fn login(registry: &str, region: &str) -> Result<RegistryAuth, Fault> {
    let fault = |why: String| Fault::Login {
        registry: registry.to_owned(),
        why: format!("ecr:GetAuthorizationToken: {why}"),
    };
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(8))
        .operation_timeout(Duration::from_secs(20))
        .build();
    let sdk = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .region(Region::new(region.to_owned()))
        .load()
        .await;
    let answer = aws_sdk_ecr::Client::new(&sdk)
        .get_authorization_token()
        .send()
        .await;
    let answer = answer.map_err(|why| fault(DisplayErrorContext(&why).to_string()))?;
    let token = answer
        .authorization_data()
        .first()
        .and_then(|data| data.authorization_token());
    let plain = token.and_then(|token| STANDARD.decode(token).ok());
    let text = plain
        .and_then(|plain| String::from_utf8(plain).ok())
        .unwrap_or_default();
    match text.split_once(':') {
        Some((name, password)) => Ok(RegistryAuth::Basic(name.to_owned(), password.to_owned())),
        None => Err(fault("gave no token".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn hosts_of_ecr_name_their_region() {
        for (host, region) in [
            (
                "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
                Some("eu-central-1"),
            ),
            (
                "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com",
                Some("us-east-1"),
            ),
            (
                "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
                Some("cn-north-1"),
            ),
            ("public.ecr.aws", None),
            ("1234.dkr.ecr.eu-central-1.amazonaws.com", None),
            (
                "123456789012.dkr.ecr.eu-central-1.amazonaws.com.evil.example",
                None,
            ),
            ("ghcr.io", None),
        ] {
            assert_eq!(super::region(host), region, "{host}");
        }
    }
}
