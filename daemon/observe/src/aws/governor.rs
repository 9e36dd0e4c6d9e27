//! One governor of calls to AWS for both ends: every attempt of every client passes the one HTTP client of their
//! configuration, waits there for the tokens of its buckets, and is told apart by what it says on the wire.
//!
//! A call that finds no tokens in time is not sent and says so (`HeldBack`): eyes keep their last picture with its age,
//! hands are refused for now. Passed by untouched: SQS, credentials, what nobody meters. Not here: the arithmetic
//! (`model::governor`), retries (the SDK's), and what an answer means (`sdk`).

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use model::governor::{Bucket, Budgets, Call, CallKind, Extent, HeldBack, Tally, Word};
use model::time::Instant;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Longest wait for tokens; with the answer it stays within the time-out of an attempt.
const PATIENCE: Duration = Duration::from_secs(4);
/// A call that waits looks again after this at the latest: what was ahead of it may have gone.
const GLANCE: Duration = Duration::from_millis(250);
/// How services say that they throttle, in the body or in the header of the error's type.
const THROTTLED: [&str; 6] = [
    "Throttling",
    "RequestLimitExceeded",
    "TooManyRequests",
    "RequestThrottled",
    "EC2ThrottledException",
    "SlowDown",
];

/// Whose calls they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Calls that only look give way to all others.
    Eyes,
    /// What the hands read comes right before an effect and is as urgent.
    Hands,
}

/// The budgets of one account and Region, shared by all who call there.
#[derive(Debug)]
pub struct Governor {
    budgets: Mutex<Budgets>,
    began: tokio::time::Instant,
    patience: Duration,
}

impl Default for Governor {
    fn default() -> Self {
        Self {
            budgets: Mutex::default(),
            began: tokio::time::Instant::now(),
            patience: PATIENCE,
        }
    }
}

impl Governor {
    /// The configuration with all its calls governed, as those of this side.
    pub fn govern(self: &Arc<Self>, sdk: &SdkConfig, side: Side) -> SdkConfig {
        let Some(inner) = sdk.http_client() else {
            return sdk.clone();
        };
        let governed = Governed {
            inner,
            governor: Arc::clone(self),
            side,
        };
        sdk.clone().into_builder().http_client(governed).build()
    }

    /// What became of all calls so far, by bucket and kind.
    pub fn tallies(&self) -> Vec<(Bucket, CallKind, Tally)> {
        self.budgets().tallies().collect()
    }

    /// Waits for the tokens of a call.
    async fn admit(&self, call: &Call) -> Result<(), HeldBack> {
        let word = self.budgets().ask(call, self.now());
        let Word::Wait(mut held) = word else {
            return Ok(());
        };
        let patience = tokio::time::Instant::now() + self.patience;
        let mut line = Line::join(self, call);
        loop {
            let wait = Duration::from_millis(u64::try_from(held.after.millis()).unwrap_or(1));
            let wake = tokio::time::Instant::now() + wait.min(GLANCE);
            if wake > patience {
                return Err(held);
            }
            tokio::time::sleep_until(wake).await;
            let word = self.budgets().ask(call, self.now());
            match word {
                Word::Go => {
                    line.sent = true;
                    return Ok(());
                }
                Word::Wait(longer) => held = longer,
            }
        }
    }

    fn now(&self) -> Instant {
        let passed = self.began.elapsed().as_millis();
        Instant(i64::try_from(passed).unwrap_or(i64::MAX))
    }

    fn budgets(&self) -> MutexGuard<'_, Budgets> {
        self.budgets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the line, given up with the call.
struct Line<'a> {
    governor: &'a Governor,
    call: &'a Call,
    since: Instant,
    sent: bool,
}

impl<'a> Line<'a> {
    fn join(governor: &'a Governor, call: &'a Call) -> Self {
        let since = governor.now();
        governor.budgets().begin_wait(call, since);
        Self {
            governor,
            call,
            since,
            sent: false,
        }
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let now = self.governor.now();
        let waited = now.since(self.since);
        self.governor
            .budgets()
            .end_wait(self.call, now, waited, self.sent);
    }
}

#[derive(Debug)]
struct Governed {
    inner: SharedHttpClient,
    governor: Arc<Governor>,
    side: Side,
}

impl HttpClient for Governed {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            inner: self.inner.http_connector(settings, components),
            governor: Arc::clone(&self.governor),
            side: self.side,
        })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.inner.connector_metadata()
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    governor: Arc<Governor>,
    side: Side,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Some(call) = call_of(&request, self.side) else {
            return self.inner.call(request);
        };
        let (inner, governor) = (self.inner.clone(), Arc::clone(&self.governor));
        HttpConnectorFuture::new(async move {
            governor
                .admit(&call)
                .await
                .map_err(|held| ConnectorError::other(held.into(), None))?;
            let mut answer = inner.call(request).await?;
            if is_throttled(&mut answer).await? {
                governor.budgets().throttled(&call, governor.now());
            }
            Ok(answer)
        })
    }
}

/// What a request asks for: the service by the scope of its signature, the action by the service's protocol.
fn call_of(request: &HttpRequest, side: Side) -> Option<Call> {
    let header = |name: &str| request.headers().get(name).unwrap_or_default();
    let scope = header("authorization").split("Credential=").nth(1)?;
    let service = scope.split('/').nth(3)?;
    let body = request.body().bytes().unwrap_or_default();
    let (action, extent) = match service {
        "autoscaling" | "ec2" => form(std::str::from_utf8(body).ok()?),
        "pricing" => (header("x-amz-target").rsplit('.').next(), Extent::default()),
        "monitoring" => (request.uri().rsplit('/').next(), Extent::default()),
        // Told apart by the verb; no name is needed.
        "eks" if request.method() == "GET" => (Some("Describe"), Extent::default()),
        "eks" => (Some("Update"), Extent::default()),
        _ => return None,
    };
    let call = Call::of(service, action?, extent)?;
    Some(match side {
        Side::Eyes => call,
        Side::Hands => call.of_hands(),
    })
}

/// Action and extent of a call of the query protocols.
fn form(body: &str) -> (Option<&str>, Extent) {
    let pairs = || body.split('&').filter_map(|pair| pair.split_once('='));
    let action = pairs().find_map(|(key, value)| (key == "Action").then_some(value));
    let narrowed =
        |key: &str| key.starts_with("InstanceId.") || key.starts_with("Filter.") || key == "MaxResults";
    let target = pairs().find(|(key, _)| *key == "TargetCapacitySpecification.TotalTargetCapacity");
    let ids = pairs().filter(|(key, _)| key.starts_with("InstanceId.")).count();
    let extent = Extent {
        unfiltered: !pairs().any(|(key, _)| narrowed(key)),
        instances: match target {
            Some((_, count)) => count.parse().unwrap_or(0),
            None => u32::try_from(ids).unwrap_or(u32::MAX),
        },
    };
    (action, extent)
}

/// Whether an answer is one of throttling; the body is read for it where the answer is an error, and put back.
async fn is_throttled(answer: &mut HttpResponse) -> Result<bool, ConnectorError> {
    let status = answer.status().as_u16();
    if status < 400 {
        return Ok(false);
    }
    let says = |text: &str| THROTTLED.iter().any(|word| text.contains(word));
    if status == 429 || answer.headers().get("x-amzn-errortype").is_some_and(says) {
        return Ok(true);
    }
    let body = ByteStream::new(answer.take_body());
    let body = body
        .collect()
        .await
        .map_err(|error| ConnectorError::io(error.into()))?
        .into_bytes();
    let throttled = says(&String::from_utf8_lossy(&body));
    *answer.body_mut() = SdkBody::from(body);
    Ok(throttled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(service: &str, body: &str) -> HttpRequest {
        let mut request = HttpRequest::new(SdkBody::from(body));
        let signed = format!(
            "AWS4-HMAC-SHA256 Credential=AK/20261122/eu-central-1/{service}/aws4_request, Signature=x"
        );
        request.headers_mut().insert("authorization", signed);
        request
    }

    fn of(service: &str, body: &str) -> Option<(CallKind, Bucket, u32)> {
        let call = call_of(&request(service, body), Side::Eyes)?;
        Some((
            call.kind,
            call.bucket,
            call.instances.map_or(0, |(_, count)| count),
        ))
    }

    #[test]
    fn calls_are_told_apart_by_what_they_say_on_the_wire() {
        let looks = "Action=DescribeAutoScalingGroups&Version=2011-01-01&MaxRecords=100";
        assert_eq!(
            of("autoscaling", looks),
            Some((CallKind::Describe, Bucket::AutoScaling, 0))
        );
        let ends = "Action=TerminateInstances&InstanceId.1=i-1&InstanceId.2=i-2";
        assert_eq!(
            of("ec2", ends),
            Some((CallKind::Terminate, Bucket::Ec2TerminateInstances, 2))
        );
        let buys = "Action=CreateFleet&TargetCapacitySpecification.TotalTargetCapacity=7";
        assert_eq!(
            of("ec2", buys),
            Some((CallKind::Launch, Bucket::Ec2RunInstances, 7))
        );
        let (all, some) = (
            "Action=DescribeInstances",
            "Action=DescribeInstances&Filter.1.Name=tag%3Aa",
        );
        assert_eq!(
            of("ec2", all),
            Some((CallKind::Describe, Bucket::Ec2Unfiltered, 0))
        );
        assert_eq!(of("ec2", some), Some((CallKind::Describe, Bucket::Ec2Read, 0)));
        assert_eq!(of("sqs", "{}"), None);
        assert_eq!(of("sts", "Action=GetCallerIdentity"), None);
        assert_eq!(of("autoscaling", ""), None, "no action, no bucket");
        let unsigned = HttpRequest::new(SdkBody::from(looks));
        assert_eq!(call_of(&unsigned, Side::Eyes), None);
        let hands = call_of(&request("autoscaling", looks), Side::Hands);
        assert_eq!(hands.map(|call| call.kind), Some(CallKind::Check));
    }

    #[tokio::test]
    async fn an_answer_of_throttling_is_told_and_can_still_be_read() {
        for (status, body, throttled) in [
            (400, "<Error><Code>Throttling</Code></Error>", true),
            (503, "<Error><Code>RequestLimitExceeded</Code></Error>", true),
            (429, "", true),
            (400, "<Error><Code>ValidationError</Code></Error>", false),
            (200, "<Tag>Throttling</Tag>", false),
        ] {
            let status = status.try_into().unwrap();
            let mut answer = HttpResponse::new(status, SdkBody::from(body));
            assert_eq!(is_throttled(&mut answer).await.unwrap(), throttled, "{body}");
            assert_eq!(answer.body().bytes(), Some(body.as_bytes()));
        }
    }

    #[tokio::test]
    async fn a_call_without_tokens_waits_and_then_is_not_sent() {
        let governor = Governor {
            patience: Duration::from_millis(400),
            ..Governor::default()
        };
        let looks = request("autoscaling", "Action=DescribeAutoScalingGroups");
        let looks = call_of(&looks, Side::Eyes).unwrap();
        for _ in 0..31 {
            governor.admit(&looks).await.unwrap();
        }
        let tally = || governor.tallies()[0].2;
        assert_eq!((tally().calls, tally().waited), (31, 1));
        governor.budgets().throttled(&looks, governor.now());
        let held = governor.admit(&looks).await.unwrap_err();
        assert_eq!(held.bucket, Bucket::AutoScaling);
        assert_eq!((tally().calls, tally().held_back), (31, 1), "it was not sent");
        let error = ConnectorError::other(held.into(), None);
        assert_eq!(HeldBack::within(&error), Some(held));
    }

    #[tokio::test]
    async fn a_call_that_is_given_up_leaves_the_line() {
        let governor = Governor::default();
        let ends = "Action=TerminateInstanceInAutoScalingGroup";
        let ends = call_of(&request("autoscaling", ends), Side::Hands).unwrap();
        while governor.budgets().ask(&ends, governor.now()) == Word::Go {}
        let soon = Duration::from_millis(20);
        assert!(tokio::time::timeout(soon, governor.admit(&ends)).await.is_err());
        let looks = Call {
            kind: CallKind::Describe,
            ..ends
        };
        let later = governor.now() + model::Span::from_millis(2100);
        assert_eq!(
            governor.budgets().ask(&looks, later),
            Word::Go,
            "nobody is ahead of it"
        );
    }
}
