//! `plimsoll iam`: the IAM policies of the daemon for one cluster, and what is switched off without each action.
//!
//! Offline: nothing is sent to AWS. Which actions there are is `model::permission`'s table; the files of `deploy/iam`
//! are written by this verb.

mod policy;

use crate::exit::{Exit, Unreadable};
use crate::output::{self, Format, OutputArgs, plain, table};
use clap::ValueEnum;
use model::discovery::{Owner, ways};
use model::permission::{PERMISSIONS, Permission};
use policy::{Policy, Wanted};

/// Characters, white space apart, that IAM takes of a managed policy.
const MOST_CHARACTERS: usize = 6144;

/// Arguments of `iam`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Name of the cluster, as in its tags.
    #[arg(long, value_name = "NAME")]
    cluster: String,
    /// Region of the cluster.
    #[arg(long, value_name = "REGION")]
    region: String,
    /// Account of the cluster: twelve digits.
    #[arg(long, value_name = "ACCOUNT")]
    account: String,
    /// Partition of AWS.
    #[arg(long, value_name = "PARTITION", default_value = "aws")]
    partition: String,
    /// Reading is enough for a dry run; what acting needs besides is a policy of its own.
    #[arg(long, value_enum, default_value_t = Mode::Read)]
    mode: Mode,
    /// Groups that may be changed are also known by the tags of what ran before; may be repeated.
    #[arg(long, value_enum, value_name = "TAGS")]
    drop_in: Vec<DropIn>,
    /// Also buy and terminate instances of Plimsoll's own fleet; with --mode act.
    #[arg(long, requires = "node_role")]
    fleet: bool,
    /// Role of the nodes that the fleet starts: its name.
    #[arg(long, value_name = "NAME")]
    node_role: Option<String>,
    /// Launch templates also name images by these parameters of the account's own (`/golden/*`); may be repeated.
    #[arg(long, value_name = "PATH")]
    image_parameter: Vec<String>,
    /// Also read this SQS queue of interruption notices; `plimsoll-CLUSTER` where no name is given.
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    queue: Option<String>,
    /// Also change the bounds of groups; with --mode act.
    #[arg(long)]
    bounds: bool,
    /// Also read ECS of the account (provider.aws.ecs).
    #[arg(long)]
    ecs: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// What the daemon is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Look, decide and explain.
    Read,
    /// Carry out: what that needs besides reading.
    Act,
}

/// Whose tags groups carry besides Plimsoll's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DropIn {
    /// `k8s.io/cluster-autoscaler/CLUSTER`, with any value.
    ClusterAutoscaler,
    /// `kubernetes.io/cluster/CLUSTER: owned`, and `KubernetesCluster: CLUSTER` of instance groups.
    Kops,
    /// `kubernetes.io/cluster/CLUSTER: owned`, and `eks:cluster-name: CLUSTER`.
    Eks,
}

/// Runs the verb.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    check(args).map_err(Unreadable::new)?;
    let policy = Policy::new(&wanted(args));
    let size = policy.characters()?;
    if size > MOST_CHARACTERS {
        output::say(format_args!(
            "{size} characters are more than the {MOST_CHARACTERS} that IAM takes of a managed policy: split it"
        ));
    }
    match args.output.output {
        Format::Json => output::json(&policy)?,
        Format::Table => output::line(listed(&policy))?,
    }
    if args.mode == Mode::Act {
        output::say("attach it beside the policy of --mode read, which acting needs as well");
    }
    Ok(Exit::Done)
}

fn wanted(args: &Args) -> Wanted<'_> {
    let own = &args.cluster;
    let dropped = args.drop_in.iter().map(|drop_in| match drop_in {
        DropIn::ClusterAutoscaler => Owner::ClusterAutoscaler,
        DropIn::Kops => Owner::Kops,
        DropIn::Eks => Owner::Eks,
    });
    let owners: Vec<Owner> = std::iter::once(Owner::Plimsoll).chain(dropped).collect();
    let mut ways = Vec::from(ways(own));
    ways.retain(|way| way.whose.iter().any(|whose| owners.contains(whose)));
    let queue = args.queue.as_ref().map(|name| match name.as_str() {
        "" => format!("plimsoll-{own}"),
        name => name.to_owned(),
    });
    Wanted {
        cluster: own,
        place: (&args.partition, &args.region, &args.account),
        act: args.mode == Mode::Act,
        ways,
        fleet: args.node_role.as_deref().filter(|_| args.fleet),
        image_parameters: &args.image_parameter,
        queue,
        bounds: args.bounds,
        ecs: args.ecs,
    }
}

/// One line per mistake.
fn check(args: &Args) -> Result<(), String> {
    let word = |text: &str, more: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
        !text.is_empty() && text.len() <= 128 && text.chars().all(fits)
    };
    let digits = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    let role = args.node_role.as_deref().unwrap_or("none");
    let queue = args.queue.as_deref().filter(|name| !name.is_empty());
    let acts = args.mode == Mode::Act || !(args.fleet || args.bounds);
    let named = [
        (
            "--cluster",
            args.cluster.as_str(),
            word(&args.cluster, "-_."),
            "a name is wanted",
        ),
        (
            "--region",
            &args.region,
            word(&args.region, "-"),
            "a region is wanted: eu-central-1",
        ),
        (
            "--account",
            &args.account,
            digits(&args.account),
            "twelve digits are wanted",
        ),
        (
            "--partition",
            &args.partition,
            word(&args.partition, "-"),
            "a partition is wanted: aws",
        ),
        (
            "--node-role",
            role,
            word(role, "-_+=,.@/"),
            "the name of a role is wanted, not its ARN",
        ),
        (
            "--queue",
            queue.unwrap_or("none"),
            word(queue.unwrap_or("none"), "-_."),
            "a name is wanted",
        ),
    ];
    let paths = args.image_parameter.iter().map(|path| {
        let good = word(path, "-_./*") && path.trim_matches('/') != "*";
        let what = "the path of parameters is wanted: /golden/*";
        ("--image-parameter", path.as_str(), good, what)
    });
    let named: Vec<_> = named.into_iter().chain(paths).collect();
    // What somebody fills in later, as in `deploy/iam`.
    let is_blank = |text: &str| {
        let inside = text.strip_prefix("${").and_then(|text| text.strip_suffix('}'));
        inside.is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase()))
    };
    let wrong = named
        .iter()
        .filter(|(_, value, good, _)| !good && !is_blank(value));
    let mut wrong: Vec<String> = wrong
        .map(|(flag, value, _, what)| plain(&format!("{flag} {value}: {what}")))
        .collect();
    if !acts {
        wrong.push("--fleet and --bounds change things: they go with --mode act".to_owned());
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n"))
    }
}

/// Every action of the policy, with what is switched off without it.
fn listed(policy: &Policy) -> String {
    let mut rows = table(&["statement", "action", "without it"]);
    for statement in &policy.statements {
        let of = |own: &&Permission| statement.actions.contains(&own.action);
        for own in PERMISSIONS.iter().filter(of) {
            rows.add_row([statement.sid.as_str(), own.action, own.without]);
        }
    }
    rows.trim_fmt()
}
