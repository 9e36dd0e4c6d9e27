//! A request as it came, and the call that it is.
//!
//! Not here: which call a request is (`wire`), what it does (`account`).

use super::form::Form;
use crate::account::Refused;
use serde_json::Value;

/// A service, by the name that credentials are scoped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Service {
    AutoScaling,
    Ec2,
    Sts,
    Eks,
    Pricing,
    Sqs,
    CloudWatch,
}

impl Service {
    pub(super) fn scoped(name: &str) -> Option<Self> {
        Some(match name {
            "autoscaling" => Self::AutoScaling,
            "ec2" => Self::Ec2,
            "sts" => Self::Sts,
            "eks" => Self::Eks,
            "pricing" => Self::Pricing,
            "sqs" => Self::Sqs,
            "monitoring" => Self::CloudWatch,
            _ => return None,
        })
    }

    /// By what `X-Amz-Target` begins with.
    pub(super) fn targeted(name: &str) -> Option<Self> {
        match name {
            "AmazonSQS" => Some(Self::Sqs),
            "AWSPriceListService" => Some(Self::Pricing),
            "GraniteServiceVersion20100801" => Some(Self::CloudWatch),
            _ => None,
        }
    }

    /// As IAM writes it.
    const fn prefix(self) -> &'static str {
        match self {
            Self::AutoScaling => "autoscaling",
            Self::Ec2 => "ec2",
            Self::Sts => "sts",
            Self::Eks => "eks",
            Self::Pricing => "pricing",
            Self::Sqs => "sqs",
            Self::CloudWatch => "cloudwatch",
        }
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path with its query.
    pub(crate) path: String,
    pub(crate) authorization: String,
    /// `X-Amz-Target`.
    pub(crate) target: String,
    pub(crate) body: Vec<u8>,
}

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) service: Service,
    pub(crate) action: String,
    pub(crate) form: Form,
    pub(crate) json: Value,
    /// Names in the path (EKS).
    pub(crate) path: Vec<String>,
    pub(crate) body: Vec<u8>,
    /// Region that the request is signed for.
    pub(crate) region: Option<String>,
}

impl Call {
    /// `autoscaling:SetDesiredCapacity`.
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.service.prefix(), self.action)
    }

    /// Whether it only reads.
    pub(crate) fn reads(&self) -> bool {
        ["Describe", "Get", "List"]
            .iter()
            .any(|verb| self.action.starts_with(verb))
    }
}

/// The refusal of a call that this account does not know.
pub(crate) fn unknown(call: &Call) -> Refused {
    Refused::new(
        "InvalidAction",
        format!("The action {} is not valid for this endpoint.", call.action),
    )
}
