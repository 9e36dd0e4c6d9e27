// Scaler policy: one replica for so much of the metric, at least as many as are allowed.

import { Replicas, defineScaler, whole } from "plimsoll-sdk";

export const scaler = defineScaler({
  config: {
    /** Values older than this are not believed, seconds. */
    max_age_seconds: whole(120),
  },

  scale(view, config) {
    const answer = new Replicas();
    for (const workload of view.workloads) {
      const fresh = Math.floor(workload.ageMs / 1000) <= config.max_age_seconds;
      // A missing value never means zero: without one, the workload keeps what it has.
      if (workload.value === undefined || !fresh) continue;
      const perReplica = workload.target * (workload.request > 0 ? workload.request : 1);
      if (perReplica > 0) {
        const wanted = Math.min(Math.ceil(workload.value / perReplica), 1_000_000);
        answer.set(workload, Math.max(wanted, workload.min), 1);
      }
    }
    return answer;
  },
});
