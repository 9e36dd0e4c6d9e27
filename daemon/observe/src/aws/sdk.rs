//! SDK clients for reading: explicit time-outs, standard retries, a retry partition apart from the writers'.
//!
//! The SDK has no read or operation time-out of its own (aws-config `BehaviorVersion` 2026-01-12), and a
//! throttled Describe must never slow a terminate. Endpoints come from `AWS_ENDPOINT_URL` like everywhere.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_autoscaling::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use model::governor::HeldBack;
use std::time::Duration;

/// A call to AWS that gave no answer worth having.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {why}")]
pub struct AwsError {
    /// `autoscaling:DescribeAutoScalingGroups`, …
    pub call: &'static str,
    /// Code and message of the service, or what became of the connection.
    pub why: String,
    /// The service answered, if only to refuse.
    pub answered: bool,
    /// It was not asked: our own budget had no room for the call.
    pub held: Option<HeldBack>,
}

impl AwsError {
    /// From an SDK error.
    pub(super) fn of<E, R>(call: &'static str, error: &SdkError<E, R>) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug + 'static,
    {
        let held = HeldBack::within(error);
        let why = match (error.as_service_error(), held) {
            (Some(said), _) => {
                let code = said.code().unwrap_or("no code");
                let lacking = model::permission::lacking(call, code);
                format!("{code}: {lacking}{}", said.message().unwrap_or("no message"))
            }
            (None, Some(held)) => held.to_string(),
            (None, None) => DisplayErrorContext(error).to_string(),
        };
        Self {
            call,
            why,
            answered: error.as_service_error().is_some(),
            held,
        }
    }
}

/// The SDK configuration that eyes and hands share: credentials chain, region, TLS by ring, time-outs.
pub async fn config(region: Option<String>) -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .read_timeout(Duration::from_secs(8))
        .operation_attempt_timeout(Duration::from_secs(8))
        .operation_timeout(Duration::from_secs(20))
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(3));
    if let Some(region) = region {
        loader = loader.region(Region::new(region));
    }
    loader.load().await
}

/// Reads Auto Scaling groups.
pub(super) fn autoscaling(sdk: &SdkConfig) -> aws_sdk_autoscaling::Client {
    use aws_sdk_autoscaling::config::retry::RetryPartition;
    let partition = RetryPartition::new("autoscaling-read");
    aws_sdk_autoscaling::Client::from_conf(
        aws_sdk_autoscaling::config::Builder::from(sdk)
            .retry_partition(partition)
            .build(),
    )
}

/// Reads instance types and launch templates.
pub(super) fn ec2(sdk: &SdkConfig) -> aws_sdk_ec2::Client {
    use aws_sdk_ec2::config::retry::RetryPartition;
    let partition = RetryPartition::new("ec2-read");
    aws_sdk_ec2::Client::from_conf(
        aws_sdk_ec2::config::Builder::from(sdk)
            .retry_partition(partition)
            .build(),
    )
}

/// Reads ECS.
pub(super) fn ecs(sdk: &SdkConfig) -> aws_sdk_ecs::Client {
    use aws_sdk_ecs::config::retry::RetryPartition;
    let partition = RetryPartition::new("ecs-read");
    aws_sdk_ecs::Client::from_conf(
        aws_sdk_ecs::config::Builder::from(sdk)
            .retry_partition(partition)
            .build(),
    )
}

/// Reads node groups and Fargate profiles.
pub(super) fn eks(sdk: &SdkConfig) -> aws_sdk_eks::Client {
    use aws_sdk_eks::config::retry::RetryPartition;
    let partition = RetryPartition::new("eks-read");
    aws_sdk_eks::Client::from_conf(
        aws_sdk_eks::config::Builder::from(sdk)
            .retry_partition(partition)
            .build(),
    )
}

/// Reads the price list, which only some Regions serve (reference: AWS Price List Query API, endpoints); an
/// endpoint that was set stands for all of them.
pub(super) fn pricing(sdk: &SdkConfig) -> aws_sdk_pricing::Client {
    use aws_sdk_pricing::config::{Region, retry::RetryPartition};
    let partition = RetryPartition::new("pricing-read");
    let mut config = aws_sdk_pricing::config::Builder::from(sdk).retry_partition(partition);
    if sdk.endpoint_url().is_none() && std::env::var_os("AWS_ENDPOINT_URL").is_none() {
        let region = sdk.region().map_or("", |region| region.as_ref());
        let served = match region.split('-').next() {
            Some("ap") => "ap-south-1",
            Some("eu") => "eu-central-1",
            Some("cn") => "cn-northwest-1",
            _ => "us-east-1",
        };
        config = config.region(Region::new(served));
    }
    aws_sdk_pricing::Client::from_conf(config.build())
}

/// Reads notices: a call may wait as long as SQS lets it.
pub(super) fn sqs(sdk: &SdkConfig) -> aws_sdk_sqs::Client {
    use aws_sdk_sqs::config::retry::RetryPartition;
    let partition = RetryPartition::new("sqs-read");
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .read_timeout(Duration::from_secs(25))
        .operation_attempt_timeout(Duration::from_secs(25))
        .operation_timeout(Duration::from_mins(1))
        .build();
    aws_sdk_sqs::Client::from_conf(
        aws_sdk_sqs::config::Builder::from(sdk)
            .retry_partition(partition)
            .timeout_config(timeouts)
            .build(),
    )
}

/// Reads metrics.
pub(super) fn cloudwatch(sdk: &SdkConfig) -> aws_sdk_cloudwatch::Client {
    use aws_sdk_cloudwatch::config::retry::RetryPartition;
    let partition = RetryPartition::new("cloudwatch-read");
    aws_sdk_cloudwatch::Client::from_conf(
        aws_sdk_cloudwatch::config::Builder::from(sdk)
            .retry_partition(partition)
            .build(),
    )
}
