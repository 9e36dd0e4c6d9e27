// Placement policy: jobs and bursts go to Fargate while the EC2 groups run below break-even utilisation.
//
// EC2 is bought in nodes and paid for whether used or not: a pod really costs its share of a node divided by how
// full nodes get. Below a utilisation of (EC2 price ÷ Fargate price) Fargate is cheaper for what comes and goes. What
// stays, stays on EC2. Says nothing about pods that only one of the two can run.

import { Prices, definePlacement, flag, number, text, texts, whole } from "plimsoll-sdk";
import type { Class, Config, View } from "plimsoll-sdk";

/** Runs better on Fargate now. */
const CHEAPER_ON_FARGATE = 1;
/** Long-lived: EC2. */
const STAYS_ON_EC2 = 2;
/** Labelled to stay off Fargate. */
const LABELLED_FOR_EC2 = 3;

const fields = {
  /** Kinds of owners whose pods come and go. */
  job_kinds: texts(["Job"]),
  /** From this many pods without a place in one class on, they are a burst; 0: never. */
  burst_pods: whole(20),
  /** Utilisation to reckon with while there are no EC2 nodes to measure, percent. */
  assumed_utilisation_percent: number(65, { from: 1, to: 100 }),
  /** Whether everything else is kept off Fargate, or left to the price. */
  others_stay_on_ec2: flag(true),
  /** A label, `key=value`, whose pods never go to Fargate; empty: none. */
  ec2_label: text(""),
};

type Settings = Config<typeof fields> & { readonly label?: { readonly key: string; readonly value: string } };

export const placement = definePlacement({
  config: fields,

  configure(config): Settings {
    if (config.ec2_label === "") return config;
    const [, key, value] = config.ec2_label.match(/^([^=]+)=(.*)$/s) ?? [];
    if (key === undefined) throw new Error("ec2_label must be key=value");
    return { ...config, label: { key, value } };
  },

  place(view, settings) {
    const prices = new Prices();
    const used = utilisation(view) ?? settings.assumed_utilisation_percent / 100;
    const fargateSets = view.sets.filter((set) => set.isFargate);
    const { label } = settings;
    for (const pods of view.classes) {
      const [ec2, fargate] = [pods.ec2Price, pods.fargatePrice];
      if (ec2 === undefined || fargate === undefined) continue;
      const passing = comesAndGoes(pods, settings);
      for (const set of fargateSets) {
        if (label !== undefined && pods.label(label.key) === label.value) {
          prices.forbid(pods, set, LABELLED_FOR_EC2);
        } else if (passing && used < ec2 / fargate) {
          // Priced a hair below a node used to the full: wins against any node that would be bought.
          prices.add(pods, set, ec2 * 0.999 - fargate, CHEAPER_ON_FARGATE);
        } else if (!passing && settings.others_stay_on_ec2) {
          prices.forbid(pods, set, STAYS_ON_EC2);
        }
      }
    }
    return prices;
  },
});

function comesAndGoes(pods: Class, settings: Settings): boolean {
  if (settings.job_kinds.includes(pods.ownerKind)) return true;
  return settings.burst_pods > 0 && pods.pending + pods.toCome >= settings.burst_pods;
}

/**
 * Share of the EC2 groups that is requested, by their scarcer resource, weighted by nodes; undefined without nodes.
 * Nodes and shares are the group's: of a group with several sets (a fleet) the first one tells them.
 */
function utilisation(view: View): number | undefined {
  const counted = new Set<string>();
  let [nodes, used] = [0, 0];
  for (const set of view.sets) {
    if (set.isFargate || counted.has(set.group)) continue;
    counted.add(set.group);
    const share = Math.max(set.cpuRequested, set.memoryRequested) / 1000;
    nodes += set.nodes;
    used += set.nodes * share;
  }
  return nodes > 0 ? used / nodes : undefined;
}
