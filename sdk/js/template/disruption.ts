// Disruption policy: nodes with young pods of Jobs stay, and moving a pod of a namespace that is named costs extra.

import { Verdicts, defineDisruption, numbers, whole } from "plimsoll-sdk";

const YOUNG_JOB = 1;
const DEAR_NAMESPACE = 2;

export const disruption = defineDisruption({
  config: {
    /** Pods of Jobs are young for so many minutes. */
    minutes: whole(30),
    /** Dollars per hour that a pod of a namespace counts beyond what every eviction counts. */
    usd_per_hour: numbers({}),
  },

  judge(view, config) {
    const verdicts = new Verdicts();
    for (const candidate of view.candidates) {
      const { movers } = candidate;
      const job = movers.find((pod) => pod.ownerKind === "Job" && pod.ageMs < config.minutes * 60_000);
      if (job !== undefined) verdicts.deny(candidate, YOUNG_JOB, `Job ${job.ownerName} has just begun`);
      let usd = 0;
      for (const pod of movers) usd += config.usd_per_hour[pod.namespace] ?? 0;
      if (usd !== 0) verdicts.add(candidate, usd, DEAR_NAMESPACE);
    }
    return verdicts;
  },
});
