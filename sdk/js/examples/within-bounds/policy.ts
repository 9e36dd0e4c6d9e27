// Scaler policy: keeps every workload within its bounds, and does nothing else. Written for speed, over whole columns.

import { Replicas, defineScaler } from "plimsoll-sdk";

/** No answer may want more. */
const MOST_REPLICAS = 1_000_000;

export const scaler = defineScaler({
  scale(view) {
    const { workloadReplicas, workloadMin: min, workloadMax: max } = view;
    const wanted = workloadReplicas.slice();
    const { length } = wanted;
    for (let row = 0; row < length; row++) {
      if (wanted[row] < min[row]) wanted[row] = min[row];
      if (wanted[row] > max[row]) wanted[row] = max[row];
      if (wanted[row] > MOST_REPLICAS) wanted[row] = MOST_REPLICAS;
    }
    return Replicas.every(wanted);
  },
});
