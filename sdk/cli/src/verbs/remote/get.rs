//! `plimsoll get`: what a daemon sees, as tables or as JSON. All pages are fetched.

mod rows;

use super::{Remote, ServerArgs};
use crate::exit::{Exit, Unreadable};
use crate::output::{Format, OutputArgs, json, line, plain, say};
use clap::ValueEnum;
use proto::v1;
use serde::Serialize;

/// Rows asked for at once.
const PAGE: u32 = 500;

/// Arguments of `get`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to show.
    #[arg(value_enum)]
    what: What,
    /// Number of one cycle, to show it in full.
    #[arg(value_name = "CYCLE")]
    cycle: Option<u64>,
    /// Only nodes or offers of this group.
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Only pods or workloads of this namespace.
    #[arg(long, short = 'n', value_name = "NAME")]
    namespace: Option<String>,
    /// Only pods on this node.
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Only pods that wait for a node.
    #[arg(long)]
    pending: bool,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// What can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// One screen about the cluster.
    Summary,
    /// Where capacity is changed.
    Groups,
    /// What can be bought.
    Offers,
    /// Nodes.
    Nodes,
    /// Pods.
    Pods,
    /// Things with replicas.
    Workloads,
    /// What runs behind the hooks.
    Policies,
    /// Cycles kept in memory, newest first; with a number one of them in full.
    Cycles,
    /// ECS of the account, read beside the cluster; as JSON what `--cluster` of `plan` and `fargate` reads.
    Ecs,
}

/// The one key that JSON lists hang on.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Listed {
    Groups(Vec<v1::Group>),
    Offers(Vec<v1::Offer>),
    Nodes(Vec<v1::Node>),
    Pods(Vec<v1::Pod>),
    Workloads(Vec<v1::Workload>),
    Policies(Vec<v1::PolicyState>),
    Cycles(Vec<v1::Cycle>),
}

pub(crate) async fn run(args: Args) -> anyhow::Result<Exit> {
    if args.cycle.is_some() && args.what != What::Cycles {
        return Err(Unreadable::new("a number goes with `get cycles` only").into());
    }
    let remote = args.server.reach().await?;
    let as_json = args.output.output == Format::Json;
    if args.what == What::Summary {
        let summary = remote
            .query()
            .get_summary(v1::GetSummaryRequest {})
            .await?
            .into_inner();
        if as_json {
            json(&summary)?;
        } else {
            rows::summary(&summary)?;
        }
        return Ok(Exit::Done);
    }
    if args.what == What::Ecs {
        return ecs(&remote, as_json).await;
    }
    if let Some(number) = args.cycle {
        let request = v1::GetCycleRequest { number };
        let cycle = remote.query().get_cycle(request).await?.into_inner();
        if as_json {
            json(&cycle)?;
        } else {
            rows::cycle(&cycle)?;
        }
        return Ok(Exit::Done);
    }
    let listed = listed(&remote, &args).await?;
    if as_json {
        json(&listed)?;
    } else {
        line(table(&listed))?;
    }
    Ok(Exit::Done)
}

/// Documents as `aws ecs describe-…` prints them, one a line; for people how much there is.
async fn ecs(remote: &Remote, as_json: bool) -> anyhow::Result<Exit> {
    let (mut documents, mut page_token) = (Vec::new(), String::new());
    let told = loop {
        let request = v1::GetEcsRequest { page_token };
        let mut page = remote.query().get_ecs(request).await?.into_inner();
        documents.append(&mut page.documents);
        if page.next_page_token.is_empty() {
            break page;
        }
        page_token = page.next_page_token;
    };
    if as_json {
        for why in &told.trouble {
            say(plain(why));
        }
        line(documents.join("\n"))?;
    } else {
        rows::ecs(&told)?;
    }
    Ok(Exit::Done)
}

fn table(listed: &Listed) -> comfy_table::Table {
    match listed {
        Listed::Groups(list) => rows::groups(list),
        Listed::Offers(list) => rows::offers(list),
        Listed::Nodes(list) => rows::nodes(list),
        Listed::Pods(list) => rows::pods(list),
        Listed::Workloads(list) => rows::workloads(list),
        Listed::Policies(list) => rows::policies(list),
        Listed::Cycles(list) => rows::cycles(list),
    }
}

/// Fetches every page of a list.
macro_rules! all_pages {
    ($client:expr, $call:ident, $field:ident, $request:ident { $($name:ident : $value:expr),* }) => {{
        let mut client = $client;
        let (mut rows, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = v1::$request { page_size: PAGE, page_token, $($name: $value),* };
            let page = client.$call(request).await?.into_inner();
            rows.extend(page.$field);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break rows;
            }
        }
    }};
}

async fn listed(remote: &Remote, args: &Args) -> anyhow::Result<Listed> {
    let group = || args.group.clone().unwrap_or_default();
    let namespace = || args.namespace.clone().unwrap_or_default();
    let query = remote.query();
    Ok(match args.what {
        What::Groups => Listed::Groups(all_pages!(query, list_groups, groups, ListGroupsRequest {})),
        What::Offers => Listed::Offers(all_pages!(
            query,
            list_offers,
            offers,
            ListOffersRequest { group: group() }
        )),
        What::Nodes => Listed::Nodes(all_pages!(
            query,
            list_nodes,
            nodes,
            ListNodesRequest { group: group() }
        )),
        What::Pods => Listed::Pods(all_pages!(
            query,
            list_pods,
            pods,
            ListPodsRequest {
                namespace: namespace(),
                node: args.node.clone().unwrap_or_default(),
                pending_only: args.pending
            }
        )),
        What::Workloads => Listed::Workloads(all_pages!(
            query,
            list_workloads,
            workloads,
            ListWorkloadsRequest {
                namespace: namespace()
            }
        )),
        What::Cycles | What::Summary | What::Ecs => {
            Listed::Cycles(all_pages!(query, list_cycles, cycles, ListCyclesRequest {}))
        }
        What::Policies => {
            let request = v1::ListPoliciesRequest {};
            Listed::Policies(remote.policies().list(request).await?.into_inner().policies)
        }
    })
}
