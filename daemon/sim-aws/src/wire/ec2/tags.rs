//! Tags of instances: as calls give them, and as AWS tells of them.
//!
//! Not here: tags of anything else.

use crate::account::{Machine, template_id};
use crate::wire::form::Form;
use std::collections::BTreeMap;

pub(super) fn pairs(tags: &[Form]) -> BTreeMap<String, String> {
    let pair = |tag: &Form| {
        Some((
            tag.text("Key")?.to_owned(),
            tag.text("Value").unwrap_or_default().to_owned(),
        ))
    };
    tags.iter().filter_map(pair).collect()
}

pub(super) fn instance_tags(form: &Form) -> BTreeMap<String, String> {
    let specifications = form.items("TagSpecification");
    let of = specifications
        .iter()
        .find(|s| s.text("ResourceType") == Some("instance"));
    of.map(|s| pairs(&s.items("Tag"))).unwrap_or_default()
}

/// Tags of an instance, those included that AWS sets itself.
pub(super) fn tags_of(machine: &Machine) -> BTreeMap<String, String> {
    let mut tags = machine.tags.clone();
    if let Some(group) = &machine.group {
        tags.insert("aws:autoscaling:groupName".to_owned(), group.clone());
    }
    let (template, version) = &machine.template;
    tags.insert("aws:ec2launchtemplate:id".to_owned(), template_id(template));
    tags.insert("aws:ec2launchtemplate:version".to_owned(), version.to_string());
    tags
}
