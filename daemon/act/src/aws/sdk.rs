//! SDK clients for writing, and how an answer of AWS becomes an Outcome.
//!
//! One attempt per write: a time-out or a 5xx leaves the end unknown, and only the next cycle, which re-reads
//! the group, may ask again with the same token. Throttling is never mistaken for lack of capacity.

use crate::answer::cut;
use aws_config::SdkConfig;
use aws_sdk_autoscaling::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_autoscaling::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use model::outcome::Outcome;

/// Codes that mean: there is none to be had now (Karpenter's list of unfulfillable capacity).
const NO_CAPACITY: [&str; 8] = [
    "InsufficientInstanceCapacity",
    "MaxSpotInstanceCountExceeded",
    "VcpuLimitExceeded",
    "UnfulfillableCapacity",
    "Unsupported",
    "InsufficientFreeAddressesInSubnet",
    "MaxFleetCountExceeded",
    "ReservationCapacityExceeded",
];
/// Codes that mean: ask again later.
const LATER: [&str; 6] = [
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "ResourceContention",
    "ScalingActivityInProgress",
    "SlowDown",
];

/// Writes to Auto Scaling.
pub(super) fn autoscaling(sdk: &SdkConfig) -> aws_sdk_autoscaling::Client {
    let config = aws_sdk_autoscaling::config::Builder::from(sdk)
        .retry_config(RetryConfig::disabled())
        .retry_partition(RetryPartition::new("autoscaling-write"));
    aws_sdk_autoscaling::Client::from_conf(config.build())
}

/// Writes to CloudWatch.
pub(super) fn cloudwatch(sdk: &SdkConfig) -> aws_sdk_cloudwatch::Client {
    use aws_sdk_cloudwatch::config::retry::{RetryConfig, RetryPartition};
    let config = aws_sdk_cloudwatch::config::Builder::from(sdk)
        .retry_config(RetryConfig::disabled())
        .retry_partition(RetryPartition::new("cloudwatch-write"));
    aws_sdk_cloudwatch::Client::from_conf(config.build())
}

/// The outcome of a write that gave an error.
pub(super) fn outcome<E, R>(call: &str, error: &SdkError<E, R>) -> Outcome
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug,
{
    let Some(said) = error.as_service_error() else {
        return Outcome::Unknown {
            why: cut(&format!("{call}: {}", DisplayErrorContext(error))),
        };
    };
    let code = said.code().unwrap_or("no code");
    let why = cut(&format!(
        "{call}: {code}: {}",
        said.message().unwrap_or("no message")
    ));
    classify(code, why)
}

/// The outcome when a read before a write gave an error: nothing was changed.
pub(super) fn unread<E, R>(call: &str, error: &SdkError<E, R>) -> Outcome
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug,
{
    match outcome(call, error) {
        Outcome::Unknown { why } => Outcome::Refused { after: None, why },
        other => other,
    }
}

fn classify(code: &str, why: String) -> Outcome {
    if NO_CAPACITY.contains(&code) {
        Outcome::NoCapacity { why }
    } else if LATER.contains(&code) {
        Outcome::Refused { after: None, why }
    } else if code == "IdempotentParameterMismatch" || code == "ValidationError" {
        Outcome::Stale { why }
    } else if code.starts_with("Internal") || code == "ServiceUnavailable" || code == "no code" {
        Outcome::Unknown { why }
    } else {
        Outcome::Failed { why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttling_is_not_lack_of_capacity() {
        let of = |code: &str| classify(code, String::new());
        assert!(matches!(of("Throttling"), Outcome::Refused { .. }));
        assert!(matches!(
            of("InsufficientInstanceCapacity"),
            Outcome::NoCapacity { .. }
        ));
        assert!(matches!(of("InternalFailure"), Outcome::Unknown { .. }));
        assert!(matches!(of("ValidationError"), Outcome::Stale { .. }));
        assert!(matches!(of("AccessDenied"), Outcome::Failed { .. }));
    }
}
