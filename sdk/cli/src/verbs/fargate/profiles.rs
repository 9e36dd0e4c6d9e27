//! `plimsoll fargate profiles`: the static profiles by which Plimsoll sends pods to Fargate, for whatever makes
//! them: eksctl, the AWS command line or Terraform.
//!
//! Profiles cannot be changed and take minutes to make, so that one is made once for every place that is ever wanted,
//! and a label that is set at admission chooses between them (EKS user guide, "Fargate profiles"). Nothing is sent
//! to AWS here.

use super::written;
use crate::exit::{Exit, Unreadable};
use crate::output;
use clap::ValueEnum;
use std::collections::{BTreeMap, BTreeSet};

/// Label that Plimsoll sets at admission.
const PLACEMENT: &str = decide::fargate::PLACEMENT_LABEL;
/// Its value where any subnet will do.
const ANYWHERE: &str = "fargate";
/// What EKS allows without a raised quota: selectors of a profile, and pairs of labels of a selector.
const SELECTORS: usize = 5;
const LABELS: usize = 5;

/// Arguments of `fargate profiles`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Name of the EKS cluster.
    #[arg(long, value_name = "NAME")]
    cluster: String,
    /// Its region; eksctl wants it.
    #[arg(long, value_name = "REGION", required_if_eq("output", "eksctl"))]
    region: Option<String>,
    /// Role that pods run with before they run; eksctl makes one where none is told.
    #[arg(long, value_name = "ARN", required_if_eq_any([("output", "aws"), ("output", "terraform")]))]
    role: Option<String>,
    /// A private subnet, with the zone that it is in; may be repeated.
    #[arg(long, value_name = "[ZONE=]SUBNET", required_if_eq_any([("output", "aws"), ("output", "terraform")]))]
    subnet: Vec<String>,
    /// One more profile for each subnet, so that pods can be sent to a zone; each subnet then needs its zone.
    #[arg(long)]
    per_subnet: bool,
    /// Namespaces to take pods of, `*` and `?` being wildcards; may be repeated. Without any: all.
    #[arg(long, value_name = "PATTERN")]
    namespace: Vec<String>,
    /// A label that pods must carry besides Plimsoll's own; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    label: Vec<String>,
    /// How the profiles' names begin.
    #[arg(long, value_name = "NAME", default_value = "plimsoll")]
    name: String,
    /// Profiles that the cluster has already.
    #[arg(long, value_name = "N", default_value_t = 0)]
    existing: usize,
    /// Profiles that the cluster may have: the quota L-33415657.
    #[arg(long, value_name = "N", default_value_t = 10)]
    quota: usize,
    /// For whom.
    #[arg(short = 'o', long, value_enum, default_value_t = For::Eksctl, value_name = "FORMAT")]
    output: For,
}

/// Who makes the profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum For {
    /// A ClusterConfig in YAML.
    Eksctl,
    /// One line of JSON per profile: the input of `aws eks create-fargate-profile`.
    Aws,
    /// Resources in JSON.
    Terraform,
}

/// A profile that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Profile {
    pub(super) name: String,
    pub(super) namespaces: Vec<String>,
    /// Of every selector.
    pub(super) labels: BTreeMap<String, String>,
    /// Ids; empty: all private ones of the cluster.
    pub(super) subnets: Vec<String>,
}

/// All of them, with what they have in common.
pub(super) struct Set {
    pub(super) cluster: String,
    pub(super) region: Option<String>,
    pub(super) role: Option<String>,
    pub(super) profiles: Vec<Profile>,
}

/// Runs the verb.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let set = Set {
        cluster: args.cluster.clone(),
        region: args.region.clone(),
        role: args.role.clone(),
        profiles: profiles(args).map_err(Unreadable::new)?,
    };
    let text = match args.output {
        For::Eksctl => written::eksctl(&set)?,
        For::Aws => written::aws(&set)?,
        For::Terraform => written::terraform(&set)?,
    };
    output::bytes(text.as_bytes())?;
    explain(args, &set);
    Ok(Exit::Done)
}

/// What the arguments come to, or one line per mistake.
fn profiles(args: &Args) -> Result<Vec<Profile>, String> {
    let mut wrong = Vec::new();
    let mut check = |flag: &str, value: &str, good: bool, what: &str| {
        if !good {
            wrong.push(output::plain(&format!("{flag} {value}: {what}")));
        }
    };
    check("--cluster", &args.cluster, is_name(&args.cluster, 100), A_NAME);
    check("--name", &args.name, is_name(&args.name, 40), A_NAME);
    if let Some(role) = &args.role {
        let is_role = role.starts_with("arn:") && role.contains(":role/");
        check(
            "--role",
            role,
            is_role,
            "the ARN of a role is wanted: arn:aws:iam::ACCOUNT:role/NAME",
        );
    }
    for namespace in &args.namespace {
        let good = is_pattern(namespace, 63, false);
        check(
            "--namespace",
            namespace,
            good,
            "small letters, digits, - and the wildcards * and ? are wanted",
        );
    }
    let mut labels = BTreeMap::new();
    for text in &args.label {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        let good = text.contains('=') && is_pattern(key, 317, true) && is_pattern(value, 63, true);
        check("--label", text, good, "KEY=VALUE is wanted");
        let own = key == PLACEMENT;
        check("--label", text, !own, "Plimsoll sets this one itself");
        check(
            "--label",
            text,
            labels.insert(key.to_owned(), value.to_owned()).is_none(),
            "stands there twice",
        );
    }
    check(
        "--label",
        "",
        labels.len() < LABELS,
        "a selector takes five labels, Plimsoll's own among them",
    );
    let mut subnets: Vec<(Option<&str>, &str)> = Vec::new();
    for text in &args.subnet {
        let (zone, id) = text
            .split_once('=')
            .map_or((None, text.as_str()), |(zone, id)| (Some(zone), id));
        let is_id = id.strip_prefix("subnet-").is_some_and(|id| is_name(id, 40));
        check("--subnet", text, is_id, "[ZONE=]subnet-… is wanted");
        let is_zone = zone.map_or(!args.per_subnet, |zone| is_name(zone, 40));
        check(
            "--subnet",
            text,
            is_zone,
            "ZONE=SUBNET is wanted where each subnet has a profile",
        );
        let other = subnets
            .iter()
            .all(|(known, own)| *own != id && (zone.is_none() || *known != zone));
        check(
            "--subnet",
            text,
            other,
            "the subnet or its zone stands there twice",
        );
        subnets.push((zone, id));
    }
    let lone = args.per_subnet && args.subnet.is_empty();
    check("--per-subnet", "", !lone, "needs --subnet ZONE=SUBNET for each");
    if !wrong.is_empty() {
        return Err(wrong.join("\n"));
    }
    let made = made(args, &labels, &subnets);
    let (all, quota) = (made.len().saturating_add(args.existing), args.quota);
    if all > quota {
        return Err(format!(
            "{} profiles beside {} are more than the {quota} that a cluster may have: name fewer --namespace or \
             --subnet, use wildcards, or raise the quota L-33415657 and say so with --quota",
            made.len(),
            args.existing
        ));
    }
    Ok(made)
}

const A_NAME: &str = "letters, digits, - and _ are wanted";

fn made(args: &Args, labels: &BTreeMap<String, String>, subnets: &[(Option<&str>, &str)]) -> Vec<Profile> {
    let distinct: BTreeSet<&str> = args.namespace.iter().map(String::as_str).collect();
    let mut namespaces: Vec<&str> = distinct.into_iter().collect();
    if namespaces.is_empty() {
        namespaces.push("*");
    }
    let everywhere: Vec<String> = subnets.iter().map(|(_, id)| (*id).to_owned()).collect();
    let mut places = vec![(args.name.clone(), ANYWHERE.to_owned(), everywhere)];
    for (zone, id) in subnets.iter().filter(|_| args.per_subnet) {
        let zone = zone.unwrap_or_default();
        places.push((
            format!("{}-{zone}", args.name),
            format!("{ANYWHERE}-{zone}"),
            vec![(*id).to_owned()],
        ));
    }
    let of_place = |(name, value, subnets): (String, String, Vec<String>)| {
        let mut labels = labels.clone();
        labels.insert(PLACEMENT.to_owned(), value);
        let chunks: Vec<Profile> = namespaces
            .chunks(SELECTORS)
            .enumerate()
            .map(|(at, namespaces)| Profile {
                name: if at == 0 {
                    name.clone()
                } else {
                    format!("{name}-{}", at + 1)
                },
                namespaces: namespaces.iter().map(|name| (*name).to_owned()).collect(),
                labels: labels.clone(),
                subnets: subnets.clone(),
            })
            .collect();
        chunks
    };
    places.into_iter().flat_map(of_place).collect()
}

fn is_name(text: &str, most: usize) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    text.len() <= most
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
        && text.bytes().all(fits)
}

/// A namespace, or a key or value of a label, with wildcards.
fn is_pattern(text: &str, most: usize, of_label: bool) -> bool {
    let fits = |b: u8| match b {
        b'*' | b'?' | b'-' => true,
        b'.' | b'_' | b'/' => of_label,
        _ if of_label => b.is_ascii_alphanumeric(),
        _ => b.is_ascii_lowercase() || b.is_ascii_digit(),
    };
    !text.is_empty() && text.len() <= most && text.bytes().all(fits)
}

/// What somebody should know before the profiles are made, on stderr.
fn explain(args: &Args, set: &Set) {
    let say = |text: std::fmt::Arguments<'_>| output::say(output::plain(&text.to_string()));
    for profile in &set.profiles {
        let label = profile.labels.get(PLACEMENT).map_or("", String::as_str);
        let subnets = match profile.subnets.as_slice() {
            [] => "every private subnet of the cluster".to_owned(),
            ids => ids.join(", "),
        };
        let namespaces = profile.namespaces.join(", ");
        say(format_args!(
            "{}: pods of namespaces {namespaces} with {PLACEMENT}={label}, in {subnets}",
            profile.name
        ));
    }
    say(format_args!(
        "Profiles cannot be changed; EKS makes one at a time, in about four minutes. Subnets must be private. Of \
         several profiles that select a pod, the first by name takes it."
    ));
    if args.namespace.is_empty() {
        say(format_args!(
            "Namespace * follows from EKS' rule for wildcards; where a cluster refuses it, list namespaces with \
             --namespace."
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let table = [
            ("*", true),
            ("team-?", true),
            ("", false),
            ("Team", false),
            ("a b", false),
            ("a\n", false),
        ];
        for (text, good) in table {
            assert_eq!(is_pattern(text, 63, false), good, "{text}");
        }
        assert!(is_pattern("example.com/App", 63, true) && !is_pattern(&"a".repeat(64), 63, true));
    }
}
