//! `plimsoll whatif`: what a daemon would do if.

use super::levers::workload_ref;
use super::{ServerArgs, shown};
use crate::exit::{Exit, Unreadable};
use crate::output::{Format, OutputArgs, json, line, table};
use manifest::quantity;
use model::Counted;
use proto::v1;

/// Arguments of `whatif`; none at all asks what is planned now.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Pods to add.
    #[arg(long, value_name = "NS/NAME=COUNT")]
    add: Vec<String>,
    /// What an added pod asks for: as this one …
    #[arg(long, value_name = "NS/POD", requires = "add")]
    like: Option<String>,
    /// … or this much CPU (`500m`) …
    #[arg(long, value_name = "CPU", requires = "add")]
    cpu: Option<String>,
    /// … and this much memory (`1Gi`).
    #[arg(long, value_name = "MEMORY", requires = "add")]
    memory: Option<String>,
    /// Pods to take away.
    #[arg(long, value_name = "NS/NAME")]
    remove_pod: Vec<String>,
    /// Replicas to set.
    #[arg(long, value_name = "KIND/NS/NAME=N")]
    replicas: Vec<String>,
    /// Nodes to take away.
    #[arg(long, value_name = "NAME")]
    remove_node: Vec<String>,
    /// Prices to set, in dollars per hour, for every offer whose id begins with the text.
    #[arg(long, value_name = "OFFER=USD")]
    price: Vec<String>,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<Exit> {
    let request = request(&args)?;
    let mut planner = args.server.reach().await?.planner();
    let answer = planner.what_if(request).await?.into_inner();
    match args.output.output {
        Format::Json => json(&answer)?,
        Format::Table => show(&answer)?,
    }
    let refused = answer.refusals.iter().any(|refusal| refusal.kind == "pod");
    Ok(if refused { Exit::No } else { Exit::Done })
}

fn show(answer: &v1::WhatIfResponse) -> anyhow::Result<()> {
    line(format_args!(
        "on cycle {}: {} waiting, {} would be bought",
        answer.cycle,
        Counted(answer.pending, "pod"),
        Counted(answer.nodes.len(), "node")
    ))?;
    if !answer.nodes.is_empty() {
        let mut rows = table(&["node", "group", "offer", "price", "pods"]);
        for node in &answer.nodes {
            rows.add_row([
                shown::plain(&node.name),
                shown::plain(&node.group),
                shown::plain(&node.offer),
                shown::rate(node.rate_nanos),
                node.pods.len().to_string(),
            ]);
        }
        line(rows)?;
    }
    for step in &answer.steps {
        line(shown::step(step))?;
    }
    for refusal in answer.refusals.iter().filter(|refusal| refusal.kind == "pod") {
        line(shown::plain(&format!("refused  {}", refusal.text)))?;
    }
    if let Some(cost) = &answer.cost {
        line(format_args!(
            "cost {}, at least {} (gap {:.1} %)",
            shown::rate(cost.policy_rate_nanos),
            shown::rate(cost.policy_bound_nanos),
            cost.gap_percent
        ))?;
    }
    Ok(())
}

fn request(args: &Args) -> anyhow::Result<v1::WhatIfRequest> {
    let requests = match (&args.cpu, &args.memory) {
        (None, None) => None,
        (cpu, memory) => Some(v1::Resources {
            cpu_milli: amount("--cpu", cpu.as_deref(), quantity::milli)?,
            memory_bytes: amount("--memory", memory.as_deref(), quantity::whole)?,
            ..v1::Resources::default()
        }),
    };
    let mut request = v1::WhatIfRequest {
        remove_pods: args.remove_pod.clone(),
        remove_nodes: args.remove_node.clone(),
        ..v1::WhatIfRequest::default()
    };
    for text in &args.add {
        let (pod, count) = assigned("--add", text)?;
        let (namespace, name) = pod
            .split_once('/')
            .ok_or_else(|| wrong("--add", text, "namespace/name=count is wanted"))?;
        request.add_pods.push(v1::AddPods {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            count: number("--add", count)?,
            like_pod: args.like.clone().unwrap_or_default(),
            requests: requests.clone(),
            ..v1::AddPods::default()
        });
    }
    for text in &args.replicas {
        let (workload, replicas) = assigned("--replicas", text)?;
        request.replicas.push(v1::SetReplicas {
            workload: Some(workload_ref("--replicas", workload)?),
            replicas: number("--replicas", replicas)?,
        });
    }
    for text in &args.price {
        let (offer, dollars) = assigned("--price", text)?;
        let rate = dollars
            .parse()
            .ok()
            .and_then(model::UsdPerHour::from_dollars)
            .ok_or_else(|| wrong("--price", dollars, "dollars per hour are wanted, as in 0.0832"))?;
        request.prices.push(v1::SetPrice {
            offer: offer.to_owned(),
            rate_nanos: rate.0,
        });
    }
    Ok(request)
}

fn amount(field: &str, text: Option<&str>, read: fn(&str) -> Result<i64, String>) -> anyhow::Result<i64> {
    text.map_or(Ok(0), |text| {
        read(text).map_err(|why| Unreadable::new(format_args!("{field}: {why}")).into())
    })
}

fn assigned<'a>(field: &str, text: &'a str) -> anyhow::Result<(&'a str, &'a str)> {
    text.rsplit_once('=')
        .filter(|(name, value)| !name.is_empty() && !value.is_empty())
        .ok_or_else(|| wrong(field, text, "name=value is wanted").into())
}

fn number(field: &str, text: &str) -> anyhow::Result<u32> {
    text.parse()
        .map_err(|_| wrong(field, text, "a whole number is wanted").into())
}

fn wrong(field: &str, text: &str, wanted: &str) -> Unreadable {
    Unreadable::new(format_args!("{field}: {text:?}: {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn read(words: &[&str]) -> anyhow::Result<v1::WhatIfRequest> {
        let line = Line::try_parse_from([&["whatif"], words].concat())?;
        request(&line.args)
    }

    #[test]
    fn a_line_becomes_a_request() {
        let request = read(&[
            "--add",
            "shop/web=3",
            "--cpu",
            "500m",
            "--memory",
            "1Gi",
            "--replicas",
            "Deployment/shop/api=7",
            "--price",
            "m6a.large=0.5",
        ])
        .unwrap();
        let add = request.add_pods.first().unwrap();
        assert_eq!(
            (add.namespace.as_str(), add.name.as_str(), add.count),
            ("shop", "web", 3)
        );
        assert_eq!(
            add.requests.as_ref().map(|r| (r.cpu_milli, r.memory_bytes)),
            Some((500, 1 << 30))
        );
        assert_eq!(request.replicas.first().map(|r| r.replicas), Some(7));
        assert_eq!(request.prices.first().map(|p| p.rate_nanos), Some(500_000_000));
    }

    #[test]
    fn mistakes_name_their_flag() {
        for (words, flag) in [
            (["--add", "web=3"], "--add"),
            (["--add", "shop/web"], "--add"),
            (["--add", "shop/web=-1"], "--add"),
            (["--replicas", "web=3"], "--replicas"),
            (["--price", "m6a=cheap"], "--price"),
            (["--price", "m6a=inf"], "--price"),
        ] {
            let error = read(&words).unwrap_err().to_string();
            assert!(error.starts_with(flag), "{words:?}: {error}");
        }
    }
}
