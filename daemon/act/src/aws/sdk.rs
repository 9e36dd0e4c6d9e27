//! SDK clients for writing, and how an answer of AWS becomes an Outcome.
//!
//! One attempt per write: a time-out or a 5xx leaves the end unknown, and only the next cycle, which re-reads
//! the group, may ask again with the same token. Throttling is never mistaken for lack of capacity.

use crate::answer::cut;
use aws_config::SdkConfig;
use aws_sdk_autoscaling::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_autoscaling::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use model::governor::HeldBack;
use model::launch::NO_CAPACITY;
use model::outcome::Outcome;

/// Codes that mean: ask again later.
const LATER: [&str; 7] = [
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "ResourceContention",
    "ResourceInUseException",
    "ScalingActivityInProgress",
    "SlowDown",
];

/// Codes that mean: not with these credentials.
const DENIED: [&str; 7] = [
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "AuthFailure",
];

/// Writes to Auto Scaling.
pub(super) fn autoscaling(sdk: &SdkConfig) -> aws_sdk_autoscaling::Client {
    let config = aws_sdk_autoscaling::config::Builder::from(sdk)
        .retry_config(RetryConfig::disabled())
        .retry_partition(RetryPartition::new("autoscaling-write"));
    aws_sdk_autoscaling::Client::from_conf(config.build())
}

/// Writes to EKS.
pub(super) fn eks(sdk: &SdkConfig) -> aws_sdk_eks::Client {
    use aws_sdk_eks::config::retry::{RetryConfig, RetryPartition};
    let config = aws_sdk_eks::config::Builder::from(sdk)
        .retry_config(RetryConfig::disabled())
        .retry_partition(RetryPartition::new("eks-write"));
    aws_sdk_eks::Client::from_conf(config.build())
}

/// Writes to CloudWatch.
pub(super) fn cloudwatch(sdk: &SdkConfig) -> aws_sdk_cloudwatch::Client {
    use aws_sdk_cloudwatch::config::retry::{RetryConfig, RetryPartition};
    let config = aws_sdk_cloudwatch::config::Builder::from(sdk)
        .retry_config(RetryConfig::disabled())
        .retry_partition(RetryPartition::new("cloudwatch-write"));
    aws_sdk_cloudwatch::Client::from_conf(config.build())
}

/// Writes nothing: tells what became of instances that no group lists.
pub(super) fn ec2(sdk: &SdkConfig) -> aws_sdk_ec2::Client {
    use aws_sdk_ec2::config::retry::{RetryConfig, RetryPartition};
    let config = aws_sdk_ec2::config::Builder::from(sdk)
        .retry_config(RetryConfig::disabled())
        .retry_partition(RetryPartition::new("ec2-write"));
    aws_sdk_ec2::Client::from_conf(config.build())
}

/// The outcome of a write that gave an error.
pub(super) fn outcome<E>(call: &str, error: &SdkError<E>) -> Outcome
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let Some(said) = error.as_service_error() else {
        if let Some(held) = HeldBack::within(error) {
            return Outcome::Refused {
                after: Some(held.after),
                why: cut(&format!("{call}: {held}")),
            };
        }
        return Outcome::Unknown {
            why: cut(&format!("{call}: {}", DisplayErrorContext(error))),
        };
    };
    let code = said.code().unwrap_or("no code");
    let lacking = model::permission::lacking(call, code);
    let why = cut(&format!(
        "{call}: {code}: {lacking}{}",
        said.message().unwrap_or("no message")
    ));
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    classify(code, status, why)
}

/// The outcome when a read before a write gave an error: nothing was changed.
pub(super) fn unread<E>(call: &str, error: &SdkError<E>) -> Outcome
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    match outcome(call, error) {
        Outcome::Unknown { why } => Outcome::Refused { after: None, why },
        other => other,
    }
}

/// Whether the service denied the call: another form of it would be denied as well.
pub(super) fn is_denied<E>(error: &SdkError<E>) -> bool
where
    E: ProvideErrorMetadata,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    code.is_some_and(|code| DENIED.contains(&code))
}

/// Whether a code means that there is none to be had now.
pub(super) fn is_capacity(code: &str) -> bool {
    NO_CAPACITY.contains(&code)
}

/// What a code of the service means, and the HTTP status it came with. What is asked again is what may end
/// otherwise; a call that does not suit the group (it is being deleted, its bounds are others) never will.
pub(super) fn classify(code: &str, status: Option<u16>, why: String) -> Outcome {
    if is_capacity(code) {
        Outcome::NoCapacity { why }
    } else if LATER.contains(&code) || status == Some(429) {
        Outcome::Refused { after: None, why }
    } else if code == "IdempotentParameterMismatch" {
        Outcome::Stale { why }
    } else if code.starts_with("Internal") || code == "no code" || status.is_some_and(|status| status >= 500)
    {
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
        let of = |code: &str| classify(code, Some(400), String::new());
        assert!(matches!(of("Throttling"), Outcome::Refused { .. }));
        assert!(matches!(
            of("InsufficientInstanceCapacity"),
            Outcome::NoCapacity { .. }
        ));
        assert!(matches!(of("InternalFailure"), Outcome::Unknown { .. }));
        assert!(matches!(of("AccessDenied"), Outcome::Failed { .. }));
        assert!(matches!(of("IdempotentParameterMismatch"), Outcome::Stale { .. }));
    }

    #[test]
    fn what_will_never_suit_the_group_is_not_asked_for_ever() {
        let outcome = classify("ValidationError", Some(400), String::new());
        assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    }

    #[test]
    fn an_unlisted_code_with_a_5xx_leaves_the_end_unknown() {
        for (status, unknown) in [
            (Some(500), true),
            (Some(503), true),
            (Some(400), false),
            (None, false),
        ] {
            let outcome = classify("Bewildered", status, String::new());
            assert_eq!(matches!(outcome, Outcome::Unknown { .. }), unknown, "{status:?}");
        }
        let throttled = classify("TooManyRequests", Some(429), String::new());
        assert!(matches!(throttled, Outcome::Refused { .. }), "{throttled:?}");
    }
}
