// Placement policy: jobs and bursts go to Fargate while the EC2 groups run below break-even utilisation.
//
// EC2 is bought in nodes and paid for whether used or not: a pod really costs its share of a node divided by how
// full nodes get. Below a utilisation of (EC2 price ÷ Fargate price) Fargate is cheaper for what comes and goes. What
// stays, stays on EC2. Says nothing about pods that only one of the two can run.

import { Class, Config, OfferSet, Prices, View } from "plimsoll-sdk";

/** Runs better on Fargate now. */
const CHEAPER_ON_FARGATE: u16 = 1;
/** Long-lived: EC2. */
const STAYS_ON_EC2: u16 = 2;
/** Labelled to stay off Fargate. */
const LABELLED_FOR_EC2: u16 = 3;

/** Kinds of owners whose pods come and go. */
let jobKinds = ["Job"];
/** From this many pods without a place in one class on, they are a burst; 0: never. */
let burstPods: u32 = 20;
/** Utilisation to reckon with while there are no EC2 nodes to measure, percent. */
let assumedUtilisationPercent: f64 = 65;
/** Whether everything else is kept off Fargate, or left to the price. */
let othersStayOnEc2 = true;
/** A label whose pods never go to Fargate; without a key: none. */
let labelKey = "";
let labelValue = "";

export function configure(config: Config): void {
  jobKinds = config.texts("job_kinds", jobKinds);
  burstPods = config.whole("burst_pods", burstPods);
  assumedUtilisationPercent = config.number("assumed_utilisation_percent", assumedUtilisationPercent, 1, 100);
  othersStayOnEc2 = config.flag("others_stay_on_ec2", othersStayOnEc2);
  const label = config.text("ec2_label", "");
  if (label == "") return;
  const equals = label.indexOf("=");
  if (equals <= 0) return config.refuse("ec2_label must be key=value");
  labelKey = label.substring(0, equals);
  labelValue = label.substring(equals + 1);
}

export function place(view: View): Prices {
  const prices = new Prices();
  const classes = view.classes;
  const fargateSets = setsOnFargate(view);
  const used = utilisation(view);
  for (let i = 0; i < classes.length; i++) {
    const pods = classes[i];
    if (!pods.hasEc2Price || !pods.hasFargatePrice) continue;
    const ec2 = pods.ec2Price;
    const fargate = pods.fargatePrice;
    const passing = comesAndGoes(pods);
    for (let j = 0; j < fargateSets.length; j++) {
      const set = fargateSets[j];
      if (labelKey != "" && pods.label(labelKey) == labelValue) {
        prices.forbid(pods, set, LABELLED_FOR_EC2);
      } else if (passing && used < ec2 / fargate) {
        // Priced a hair below a node used to the full: wins against any node that would be bought.
        prices.add(pods, set, ec2 * 0.999 - fargate, CHEAPER_ON_FARGATE);
      } else if (!passing && othersStayOnEc2) {
        prices.forbid(pods, set, STAYS_ON_EC2);
      }
    }
  }
  return prices;
}

function setsOnFargate(view: View): OfferSet[] {
  const sets = view.sets;
  const found: OfferSet[] = [];
  for (let i = 0; i < sets.length; i++) {
    if (sets[i].isFargate) found.push(sets[i]);
  }
  return found;
}

function comesAndGoes(pods: Class): bool {
  if (jobKinds.includes(pods.ownerKind)) return true;
  return burstPods > 0 && <u64>pods.pending + pods.toCome >= burstPods;
}

/**
 * Share of the EC2 groups that is requested, by their scarcer resource, weighted by nodes. Nodes and shares are the
 * group's: of a group with several sets (a fleet) the first one tells them.
 */
function utilisation(view: View): f64 {
  const counted = new Set<string>();
  const sets = view.sets;
  let nodes: f64 = 0;
  let used: f64 = 0;
  for (let i = 0; i < sets.length; i++) {
    const set = sets[i];
    if (set.isFargate || counted.has(set.group)) continue;
    counted.add(set.group);
    const share = <f64>max(set.cpuRequested, set.memoryRequested) / 1000;
    nodes += set.nodes;
    used += set.nodes * share;
  }
  return nodes > 0 ? used / nodes : assumedUtilisationPercent / 100;
}
