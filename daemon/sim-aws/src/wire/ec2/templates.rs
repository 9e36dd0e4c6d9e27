//! Launch templates and their versions: told of and made.
//!
//! Not here: launching from them (`fleets`, `account`).

use super::describe::paged;
use super::tags::instance_tags;
use crate::account::{Account, Refused, template_id};
use crate::settings::NewGroup;
use crate::wire::form::Form;
use crate::wire::pages::PageSize;
use crate::wire::xml::{Element, el, leaf, list};
use base64::Engine as _;

/// Launch templates of a page (EC2 API reference).
const TEMPLATES_PAGE: PageSize = PageSize {
    usual: 200,
    fewest: 1,
    most: 200,
};

/// By id or name; one that is not there is an error for all.
pub(super) fn templates(account: &Account, form: &Form) -> Result<Vec<Element>, Refused> {
    let named = [form.values("LaunchTemplateId"), form.values("LaunchTemplateName")].concat();
    let all = || account.templates.keys().cloned().collect();
    let named: Vec<String> = if named.is_empty() { all() } else { named };
    let row = |name: &String| {
        let (newest, last) = account.template(name)?;
        let row = vec![
            leaf("launchTemplateId", template_id(&newest.name)),
            leaf("launchTemplateName", &newest.name),
            leaf("defaultVersionNumber", 1),
            leaf("latestVersionNumber", last),
        ];
        Ok((newest.name, row))
    };
    let rows: Result<Vec<_>, Refused> = named.iter().map(row).collect();
    paged("launchTemplates", TEMPLATES_PAGE, rows?, form)
}

pub(super) fn template_versions(account: &Account, form: &Form) -> Result<Vec<Element>, Refused> {
    let named = form
        .text("LaunchTemplateId")
        .or_else(|| form.text("LaunchTemplateName"));
    let named = named.ok_or_else(|| Refused::new("MissingParameter", "a launch template must be named"))?;
    let (newest, last) = account.template(named)?;
    let versions = account.templates.get(&newest.name).cloned().unwrap_or_default();
    let asked = form.values("LaunchTemplateVersion");
    let number = |version: &String| match version.as_str() {
        "$Latest" => Some(last),
        "$Default" => Some(1),
        other => other.parse::<usize>().ok().filter(|n| (1..=last).contains(n)),
    };
    let mut numbers: Vec<usize> = asked.iter().filter_map(number).collect();
    if asked.is_empty() {
        numbers = (1..=last).collect();
    }
    if numbers.is_empty() || numbers.len() < asked.len() {
        let what = "Could not find the specified version for the launch template";
        return Err(Refused::new("InvalidLaunchTemplateId.VersionNotFound", what));
    }
    let resolved = form.text("ResolveAlias").is_some_and(|value| value == "true");
    let image = |made: &NewGroup| match &made.image_parameter {
        Some(parameter) if !resolved => format!("resolve:ssm:{parameter}"),
        _ => account.image(made),
    };
    let rows = numbers.into_iter().filter_map(|number| {
        let data = versions.get(number - 1)?;
        Some(version_row(data, number, image(data)))
    });
    Ok(vec![list("launchTemplateVersionSet", "item", rows)])
}

fn version_row(made: &NewGroup, number: usize, image: String) -> Vec<Element> {
    let mut data = vec![leaf("imageId", image), leaf("userData", user_data(made))];
    if made.types.len() == 1 {
        data.extend(made.types.first().map(|t| leaf("instanceType", t)));
    }
    vec![
        leaf("launchTemplateId", template_id(&made.name)),
        leaf("launchTemplateName", &made.name),
        leaf("versionNumber", number),
        leaf("defaultVersion", number == 1),
        el("launchTemplateData", data),
    ]
}

/// Kubelet flags as bootstrap scripts of EKS images get them, in base64.
fn user_data(made: &NewGroup) -> String {
    let labels: Vec<String> = made
        .node_labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let mut flags = Vec::new();
    if !labels.is_empty() {
        flags.push(format!("--node-labels={}", labels.join(",")));
    }
    if !made.node_taints.is_empty() {
        flags.push(format!("--register-with-taints={}", made.node_taints.join(",")));
    }
    let script = format!(
        "#!/bin/bash\n/etc/eks/bootstrap.sh cluster --kubelet-extra-args '{}'\n",
        flags.join(" ")
    );
    base64::prelude::BASE64_STANDARD.encode(script)
}

/// What a template is to be; a version needs one that is there, a template a name that is free.
pub(super) fn new_template(account: &Account, form: &Form, version: bool) -> Result<NewGroup, Refused> {
    let named = form
        .text("LaunchTemplateName")
        .or_else(|| form.text("LaunchTemplateId"));
    let name = named.ok_or_else(|| {
        Refused::new(
            "MissingParameter",
            "The request must contain the parameter LaunchTemplateName",
        )
    })?;
    let name = match account.template(name) {
        Ok((known, _)) if version => known.name,
        Ok(_) => {
            let what = "Launch template name already in use.";
            return Err(Refused::new(
                "InvalidLaunchTemplateName.AlreadyExistsException",
                what,
            ));
        }
        Err(refused) if version => return Err(refused),
        Err(_) => name.to_owned(),
    };
    let data = form.below("LaunchTemplateData");
    let instance_type = data.text("InstanceType");
    Ok(NewGroup {
        types: instance_type.map(str::to_owned).into_iter().collect(),
        tags: instance_tags(&data),
        ..NewGroup::of(&name, "")
    })
}

pub(super) fn create_template(account: &mut Account, made: NewGroup) -> Vec<Element> {
    let name = made.name.clone();
    let is_unknown = |name: &&String| !account.settings.types.contains_key(*name);
    let unknown = made.types.iter().find(is_unknown).cloned();
    let versions = account.templates.entry(name.clone()).or_default();
    versions.push(made);
    let (last, made) = (versions.len(), versions.last().cloned());
    let row = vec![
        leaf("launchTemplateId", template_id(&name)),
        leaf("launchTemplateName", &name),
        leaf("defaultVersionNumber", 1),
        leaf("latestVersionNumber", last),
    ];
    let version = made.map(|made| version_row(&made, last, account.image(&made)));
    let version = version.map(|row| el("launchTemplateVersion", row));
    let made = std::iter::once(el("launchTemplate", row)).chain(version);
    // What is not valid in a template is warned of, and refused to whoever launches from it.
    let warning = unknown.map(|unknown| {
        let error = vec![
            leaf("code", "InvalidInstanceType"),
            leaf("message", format!("Invalid instance type: {unknown}")),
        ];
        el("warning", vec![list("errorSet", "item", [error])])
    });
    made.chain(warning).collect()
}
