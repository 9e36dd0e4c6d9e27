//! The wire: which call a request is, what it is answered with, and how each service shapes its errors.
//!
//! Source: the service models of botocore (protocols ec2, query, rest-json, awsJson, smithy-rpc-v2-cbor). Not here:
//! the server, the clock, faults (`facade`), and what calls mean (`account`).

mod answer;
mod autoscaling;
mod buckets;
mod call;
mod cloudwatch;
mod ec2;
mod eks;
mod form;
mod mangle;
mod pages;
mod pricing;
mod sqs;
mod xml;

pub(crate) use answer::Answer;
pub(crate) use buckets::Buckets;
pub(crate) use call::{Call, Request, Service};
pub(crate) use mangle::{fields, mangled};
pub(crate) use sqs::queue_of;

use crate::account::{Account, Refused};
use answer::{JSON_1_0, query_answer};
use call::unknown;
use form::Form;
use serde_json::{Value, json};
use xml::{el, leaf};

/// Which call a request is; a refusal where nobody knows.
pub(crate) fn call(request: &Request) -> Result<Call, Box<Answer>> {
    let scopes = request.authorization.split("Credential=").nth(1);
    let part = |nth: usize| Some(scopes?.split('/').nth(nth)?.to_owned());
    let scope = part(3);
    let by_target = request.target.rsplit_once('.');
    let targeted = || Service::targeted(by_target?.0);
    let service = scope.as_deref().and_then(Service::scoped).or_else(targeted);
    let unknown = |what: &str| {
        let said = json!({"__type": "UnknownOperationException", "message": what});
        Box::new(Answer::json(400, &said))
    };
    let Some(service) = service else {
        return Err(unknown(&format!("no service of this account: {scope:?}")));
    };
    // REST calls have their parameters in the query.
    let query = request.path.split_once('?').map_or("", |(_, query)| query);
    let form = Form::parse(if service == Service::Eks {
        query.as_bytes()
    } else {
        &request.body
    });
    let Some((action, path)) = action(service, request, &form) else {
        return Err(unknown(&format!(
            "no such call: {} {}",
            request.method, request.path
        )));
    };
    let json = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
    let body = request.body.clone();
    Ok(Call {
        service,
        action,
        form,
        json,
        path,
        body,
        region: part(2),
    })
}

/// The action of a request, and the names that its path has.
fn action(service: Service, request: &Request, form: &Form) -> Option<(String, Vec<String>)> {
    let targeted = || Some(request.target.rsplit_once('.')?.1.to_owned());
    let action = match service {
        Service::AutoScaling | Service::Ec2 | Service::Sts => form.text("Action").map(str::to_owned),
        Service::Pricing | Service::Sqs => targeted(),
        // CBOR names the call in the path, JSON in a header.
        Service::CloudWatch => targeted().or_else(|| segments(&request.path).pop()),
        Service::Eks => return eks::action(&request.method, &segments(&request.path)),
    };
    Some((action?, Vec::new()))
}

fn segments(path: &str) -> Vec<String> {
    let plain = path.split('?').next().unwrap_or_default();
    let decoded = |part: &str| {
        let pair = format!("x={}", part.replace('+', "%2B"));
        let mut pairs = form_urlencoded::parse(pair.as_bytes());
        pairs
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    plain
        .split('/')
        .filter(|part| !part.is_empty())
        .map(decoded)
        .collect()
}

/// Answers a call.
pub(crate) fn answer(account: &mut Account, call: &Call) -> Answer {
    let answered = match call.service {
        Service::AutoScaling => autoscaling::answer(account, call),
        Service::Ec2 => ec2::answer(account, call),
        Service::Sts => identity(account, call),
        Service::Eks => eks::answer(account, call),
        Service::Pricing => pricing::answer(account, call),
        Service::Sqs => sqs::answer(account, call),
        Service::CloudWatch => cloudwatch::answer(account, call),
    };
    answered.unwrap_or_else(|refused| match call.service {
        Service::CloudWatch if !call.json.is_null() => {
            let said = json!({"__type": refused.code, "message": refused.message});
            Answer {
                kind: JSON_1_0,
                error: Some(refused.code),
                ..Answer::json(400, &said)
            }
        }
        service => refuse(service, &refused, None),
    })
}

fn identity(account: &Account, call: &Call) -> Result<Answer, Refused> {
    if call.action != "GetCallerIdentity" {
        return Err(unknown(call));
    }
    let id = &account.settings.account;
    let result = el(
        "GetCallerIdentityResult",
        vec![
            leaf("Arn", format!("arn:aws:sts::{id}:assumed-role/plimsoll/daemon")),
            leaf("UserId", "AROAEXAMPLE:daemon"),
            leaf("Account", id),
        ],
    );
    Ok(query_answer(
        "GetCallerIdentity",
        "https://sts.amazonaws.com/doc/2011-06-15/",
        result,
    ))
}

/// The status that a service gives a refusal.
fn status_of(service: Service, code: &str) -> u16 {
    match (service, code) {
        (Service::Eks, "ResourceNotFoundException") => 404,
        (Service::Eks, "ResourceInUseException") => 409,
        (Service::Ec2, "DryRunOperation") => 412,
        _ => 400,
    }
}

/// A refusal as the service shapes it; its usual status unless told.
pub(crate) fn refuse(service: Service, refused: &Refused, status: Option<u16>) -> Answer {
    let (code, message) = (refused.code.as_str(), refused.message.as_str());
    let status = status.unwrap_or_else(|| status_of(service, code));
    match service {
        Service::Ec2 => {
            let error = el("Error", vec![leaf("Code", code), leaf("Message", message)]);
            let root = el(
                "Response",
                vec![el("Errors", vec![error]), leaf("RequestID", "r")],
            );
            Answer::xml(status, &root)
        }
        Service::AutoScaling | Service::Sts => {
            let error = el(
                "Error",
                vec![
                    leaf("Type", "Sender"),
                    leaf("Code", code),
                    leaf("Message", message),
                ],
            );
            let root = el("ErrorResponse", vec![error, leaf("RequestId", "r")]);
            Answer::xml(status, &root)
        }
        Service::Sqs => sqs::refused(refused, status),
        Service::Eks | Service::Pricing => {
            let said = json!({"__type": code, "message": message});
            let error = Some(code.to_owned());
            Answer {
                error,
                ..Answer::json(status, &said)
            }
        }
        Service::CloudWatch => cloudwatch::refuse(refused, status),
    }
}

/// How the service throttles: code and status.
pub(crate) fn throttled(service: Service) -> Answer {
    let (code, status) = match service {
        Service::Ec2 => ("RequestLimitExceeded", 503),
        Service::AutoScaling | Service::Sts => ("Throttling", 400),
        Service::Eks => ("TooManyRequestsException", 429),
        Service::Pricing | Service::Sqs | Service::CloudWatch => ("ThrottlingException", 400),
    };
    refuse(service, &Refused::new(code, "Rate exceeded"), Some(status))
}

/// How the service denies a call.
pub(crate) fn denied(call: &Call) -> Answer {
    let code = match call.service {
        Service::Ec2 => "UnauthorizedOperation",
        Service::AutoScaling | Service::Sts => "AccessDenied",
        _ => "AccessDeniedException",
    };
    let said = format!("User is not authorized to perform: {}", call.name());
    refuse(call.service, &Refused::new(code, said), Some(403))
}

/// How the service answers credentials that have expired.
pub(crate) fn expired(service: Service) -> Answer {
    let code = match service {
        Service::Ec2 => "RequestExpired",
        Service::AutoScaling | Service::Sts => "ExpiredToken",
        _ => "ExpiredTokenException",
    };
    let said = "The security token included in the request is expired";
    refuse(service, &Refused::new(code, said), Some(403))
}

/// How a service of this account's Region answers a request that is signed for another; the price list is everybody's.
pub(crate) fn elsewhere(account: &Account, call: &Call) -> Option<Answer> {
    let own = &account.settings.region;
    let other = call.region.as_ref().filter(|region| *region != own)?;
    if call.service == Service::Pricing {
        return None;
    }
    let code = match call.service {
        Service::Ec2 => "AuthFailure",
        _ => "SignatureDoesNotMatch",
    };
    let said = format!("Credential should be scoped to a valid Region, not '{other}'.");
    Some(refuse(call.service, &Refused::new(code, said), Some(403)))
}

/// HTTP 500 as the service shapes it.
pub(crate) fn internal(service: Service) -> Answer {
    let code = match service {
        Service::Ec2 => "InternalError",
        Service::AutoScaling | Service::Sts => "InternalFailure",
        _ => "InternalServerException",
    };
    refuse(
        service,
        &Refused::new(code, "An internal error has occurred"),
        Some(500),
    )
}
