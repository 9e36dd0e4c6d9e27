// Disruption policy: nodes with young pods of Jobs stay, and moving a pod of a namespace that is named costs extra.

import { Config, Verdicts, View } from "plimsoll-sdk";

const YOUNG_JOB: u16 = 1;
const DEAR_NAMESPACE: u16 = 2;

/** Pods of Jobs are young for so many minutes. */
let minutes: u32 = 30;
/** Dollars per hour that a pod of a namespace counts beyond what every eviction counts. */
let usdPerHour = new Map<string, f64>();

export function configure(config: Config): void {
  minutes = config.whole("minutes", minutes);
  usdPerHour = config.numbers("usd_per_hour", usdPerHour);
}

export function judge(view: View): Verdicts {
  const verdicts = new Verdicts();
  const candidates = view.candidates;
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i];
    const movers = candidate.movers;
    let job = "";
    let usd: f64 = 0;
    for (let j = 0; j < movers.length; j++) {
      const pod = movers[j];
      if (job == "" && pod.ownerKind == "Job" && pod.ageMs / 60_000 < minutes) job = pod.ownerName;
      if (usdPerHour.has(pod.namespace)) usd += usdPerHour.get(pod.namespace);
    }
    if (job != "") verdicts.denyBecause(candidate, YOUNG_JOB, `Job ${job} has just begun`);
    if (usd != 0) verdicts.add(candidate, usd, DEAR_NAMESPACE);
  }
  return verdicts;
}
