//! EC2 on the wire (ec2 protocol, 2016-11-15).
//!
//! A call with `DryRun` is checked like any other and changes nothing. Not here: what calls do (`account::fleet`).

mod describe;
mod fleets;
mod instances;
mod standing;
mod tags;
mod templates;
mod types;

use super::answer::Answer;
use super::call::{Call, unknown};
use super::form::Form;
use super::xml::{Element, el, leaf};
use crate::account::{Account, Refused};

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

pub(super) fn answer(account: &mut Account, call: &Call) -> Result<Answer, Refused> {
    let form = &call.form;
    let mut result = match call.action.as_str() {
        "DescribeInstances" => instances::instances(account, form)?,
        "DescribeInstanceStatus" => standing::statuses(account, form)?,
        "DescribeSpotInstanceRequests" => standing::spot_requests(account, form)?,
        "DescribeInstanceTypes" => types::instance_types(account, form)?,
        "DescribeInstanceTypeOfferings" => types::offerings(account, form)?,
        "DescribeSpotPriceHistory" => types::spot_prices(account, form)?,
        "DescribeLaunchTemplates" => templates::templates(account, form)?,
        "DescribeLaunchTemplateVersions" => templates::template_versions(account, form)?,
        "DescribeSubnets" => types::subnets(account),
        "DescribeAvailabilityZones" => types::zones(account),
        _ => change(account, call)?,
    };
    not_dry(form)?;
    result.insert(0, leaf("requestId", "00000000-0000-0000-0000-000000000000"));
    let root = el(format!("{}Response", call.action), result).with("xmlns", NAMESPACE);
    Ok(Answer::xml(200, &root))
}

/// Calls that change something: checked first, done unless they are a dry run.
fn change(account: &mut Account, call: &Call) -> Result<Vec<Element>, Refused> {
    let form = &call.form;
    match call.action.as_str() {
        "CreateLaunchTemplate" | "CreateLaunchTemplateVersion" => {
            let made = templates::new_template(account, form, call.action == "CreateLaunchTemplateVersion")?;
            not_dry(form)?;
            Ok(templates::create_template(account, made))
        }
        "CreateFleet" => {
            let fleet = fleets::fleet(account, form)?;
            not_dry(form)?;
            fleets::create_fleet(account, &fleet)
        }
        "TerminateInstances" => {
            account.there(&form.values("InstanceId"))?;
            not_dry(form)?;
            instances::terminate(account, form)
        }
        "CreateTags" => {
            account.there(&form.values("ResourceId"))?;
            not_dry(form)?;
            instances::create_tags(account, form);
            Ok(vec![leaf("return", true)])
        }
        _ => Err(unknown(call)),
    }
}

/// What a dry run is refused with, once nothing else is in its way.
fn not_dry(form: &Form) -> Result<(), Refused> {
    if form.flag("DryRun") {
        let what = "Request would have succeeded, but DryRun flag is set.";
        return Err(Refused::new("DryRunOperation", what));
    }
    Ok(())
}
