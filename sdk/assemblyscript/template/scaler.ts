// Scaler policy: one replica for so much of the metric, at least as many as are allowed.

import { Config, Replicas, View } from "plimsoll-sdk";

/** Values older than this are not believed, seconds. */
let maxAgeSeconds: u32 = 120;

export function configure(config: Config): void {
  maxAgeSeconds = config.whole("max_age_seconds", maxAgeSeconds);
}

export function scale(view: View): Replicas {
  const answer = new Replicas();
  const workloads = view.workloads;
  for (let i = 0; i < workloads.length; i++) {
    const workload = workloads[i];
    const fresh = workload.ageMs / 1000 <= maxAgeSeconds;
    // A missing value never means zero: without one, the workload keeps what it has.
    if (!workload.hasValue || !fresh) continue;
    const perReplica = workload.target * (workload.request > 0 ? workload.request : 1);
    if (perReplica > 0) {
      const wanted = <u32>min<f64>(Math.ceil(workload.value / perReplica), 1_000_000);
      answer.set(workload, max(wanted, workload.min), 1);
    }
  }
  return answer;
}
