//! What instances were made with beside what their group would make them with today.
//!
//! Auto Scaling tells of every instance the launch template and the version, or the launch configuration; what
//! `$Latest` and `$Default` stand for is learned with the template (`catalogue`), which image a version starts that names
//! a parameter in `images`. What is not told is no claim. Not here: what becomes of it.

use super::catalogue::{Catalogue, TemplateKey, template_key, template_of};
use super::images::{Images, parameter_of};
use aws_sdk_autoscaling::types::{AutoScalingGroup, Instance, LaunchTemplate, LaunchTemplateSpecification};
use model::ids::InstanceId;
use model::node::Template;
use std::collections::BTreeMap;

/// Of every instance of a group of which both is known.
pub(super) fn told(
    (catalogue, images): (&Catalogue, &Images),
    row: &AutoScalingGroup,
) -> BTreeMap<InstanceId, Template> {
    let parameter = parameter_of(catalogue, row);
    let one = |instance: &Instance| {
        let id = InstanceId::new(instance.instance_id()?);
        let template = match instance.launch_template() {
            Some(made) => by_template(catalogue, row, made)?,
            None => by_configuration(row, instance)?,
        };
        let template = match &parameter {
            Some(key) => images.beside(key, &id, template)?,
            None => template,
        };
        Some((id, template))
    };
    row.instances().iter().filter_map(one).collect()
}

/// The highest version that instances of these groups were made with, by the template as the groups name it: an answer
/// about `$Latest` that is older than such an instance is of no use.
pub(super) fn highest(rows: &[AutoScalingGroup]) -> BTreeMap<TemplateKey, i64> {
    let mut highest = BTreeMap::new();
    for row in rows {
        let Some(named) = template_of(row) else { continue };
        let made = row.instances().iter().filter_map(Instance::launch_template);
        let versions = made.filter(|made| is_same(made, named)).filter_map(number);
        let most = highest.entry(template_key(named)).or_insert(0);
        *most = versions.fold(*most, i64::max);
    }
    highest
}

fn by_template(
    catalogue: &Catalogue,
    row: &AutoScalingGroup,
    made: &LaunchTemplateSpecification,
) -> Option<Template> {
    let version = number(made)?;
    let named = template_of(row)?;
    // A type of a mixed group may have a template of its own.
    let own = row.mixed_instances_policy().and_then(|m| m.launch_template());
    let own = own.map(LaunchTemplate::overrides).unwrap_or_default().iter();
    let own = own.filter_map(|one| one.launch_template_specification());
    let specification = std::iter::once(named).chain(own).find(|one| is_same(made, one));
    let wanted = specification.unwrap_or(named);
    let today = match number(wanted) {
        Some(number) => number,
        None => catalogue.version(&template_key(wanted), specification.map_or(0, |_| version))?,
    };
    Some(Template {
        made: format!("{}:{version}", name(made)?),
        wanted: format!(
            "{}:{today}",
            name(if specification.is_some() { made } else { wanted })?
        ),
    })
}

fn by_configuration(row: &AutoScalingGroup, instance: &Instance) -> Option<Template> {
    let told = |name: Option<&str>| name.filter(|name| !name.is_empty()).map(str::to_owned);
    let made = told(instance.launch_configuration_name())?;
    let wanted = match template_of(row) {
        Some(named) => name(named)?.to_owned(),
        None => told(row.launch_configuration_name())?,
    };
    Some(Template { made, wanted })
}

/// A version that is a number.
fn number(specification: &LaunchTemplateSpecification) -> Option<i64> {
    specification.version()?.parse().ok()
}

fn name(specification: &LaunchTemplateSpecification) -> Option<&str> {
    let id = specification.launch_template_id();
    id.or_else(|| specification.launch_template_name())
}

/// By id where both tell one, else by name.
fn is_same(a: &LaunchTemplateSpecification, b: &LaunchTemplateSpecification) -> bool {
    match (a.launch_template_id(), b.launch_template_id()) {
        (Some(a), Some(b)) => a == b,
        _ => a.launch_template_name().is_some() && a.launch_template_name() == b.launch_template_name(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::launch_templates::Starts;
    use super::*;
    use model::time::{Instant, Span};

    fn named(id: &str, version: &str) -> LaunchTemplateSpecification {
        let named = LaunchTemplateSpecification::builder().launch_template_id(id);
        named.version(version).build()
    }

    fn row(wanted: LaunchTemplateSpecification, made: &[(&str, &str)]) -> AutoScalingGroup {
        let instance = |(at, (id, version)): (usize, &(&str, &str))| {
            let made = LaunchTemplateSpecification::builder().launch_template_id(*id);
            let made = if version.is_empty() {
                made
            } else {
                made.version(*version)
            };
            Instance::builder()
                .instance_id(format!("i-{at}"))
                .launch_template(made.build())
                .build()
        };
        AutoScalingGroup::builder()
            .launch_template(wanted)
            .set_instances(Some(made.iter().enumerate().map(instance).collect()))
            .build()
    }

    fn drifted(catalogue: &Catalogue, row: &AutoScalingGroup) -> Vec<(String, bool)> {
        let told = told((catalogue, &Images::default()), row).into_iter();
        told.map(|(id, template)| (id.to_string(), template.made != template.wanted))
            .collect()
    }

    fn said(rows: &[(&str, bool)]) -> Vec<(String, bool)> {
        rows.iter()
            .map(|(id, drifted)| ((*id).to_owned(), *drifted))
            .collect()
    }

    #[test]
    fn another_version_or_template_is_drift_and_what_is_not_told_is_none() {
        let group = row(
            named("lt-a", "2"),
            &[("lt-a", "2"), ("lt-a", "1"), ("lt-b", "2"), ("lt-a", "")],
        );
        let found = drifted(&Catalogue::default(), &group);
        assert_eq!(found, said(&[("i-0", false), ("i-1", true), ("i-2", true)]));
        let told = told((&Catalogue::default(), &Images::default()), &group);
        assert_eq!(
            told[&InstanceId::new("i-1")].to_string(),
            "made with lt-a:1, its group would use lt-a:2 today"
        );
    }

    #[test]
    fn what_latest_stands_for_is_claimed_only_once_it_is_known_and_not_older_than_the_instance() {
        let group = row(named("lt-a", "$Latest"), &[("lt-a", "3"), ("lt-a", "4")]);
        let mut catalogue = Catalogue::default();
        assert_eq!(drifted(&catalogue, &group), said(&[]));
        let key = ("lt-a".to_owned(), "$Latest".to_owned());
        let answer = |version| {
            Ok(Starts {
                version: Some(version),
                ..Starts::default()
            })
        };
        let at = |secs| Instant(0) + Span::from_secs(secs);
        catalogue.take_template(key.clone(), answer(3), at(0));
        // `i-1` was made after that answer: whether it is the newest nobody knows yet.
        assert_eq!(drifted(&catalogue, &group), said(&[("i-0", false)]));
        let rows = [group];
        catalogue.confirm(&key, highest(&rows)[&key]);
        catalogue.take_template(key, answer(4), at(10));
        assert_eq!(
            drifted(&catalogue, &rows[0]),
            said(&[("i-0", true), ("i-1", false)])
        );
    }

    #[test]
    fn a_default_that_was_set_back_is_drift_of_the_newer_ones() {
        let rows = [row(named("lt-a", "$Default"), &[("lt-a", "5")])];
        let mut catalogue = Catalogue::default();
        let key = ("lt-a".to_owned(), "$Default".to_owned());
        catalogue.confirm(&key, highest(&rows)[&key]);
        let starts = Starts {
            version: Some(3),
            ..Starts::default()
        };
        catalogue.take_template(key, Ok(starts), Instant(0));
        assert_eq!(drifted(&catalogue, &rows[0]), said(&[("i-0", true)]));
    }

    #[test]
    fn launch_configurations_are_compared_by_name() {
        let made = |name: &str| {
            Instance::builder()
                .instance_id("i-0")
                .launch_configuration_name(name)
                .build()
        };
        let of = |group: &str, instance: &str| {
            let row = AutoScalingGroup::builder()
                .launch_configuration_name(group)
                .instances(made(instance))
                .build();
            drifted(&Catalogue::default(), &row)
        };
        assert_eq!(of("lc-2", "lc-2"), said(&[("i-0", false)]));
        assert_eq!(of("lc-2", "lc-1"), said(&[("i-0", true)]));
        assert_eq!(of("lc-2", ""), said(&[]));
    }
}
