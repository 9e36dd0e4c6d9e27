// Scaler policy: keeps every workload within its bounds, and does nothing else. Written for speed, over whole columns.

import { Replicas, View } from "plimsoll-sdk";

/** No answer may want more. */
const MOST_REPLICAS: u32 = 1_000_000;

export function scale(view: View): Replicas {
  const replicas = view.workloadReplicas;
  const least = view.workloadMin;
  const most = view.workloadMax;
  const length = replicas.length;
  const wanted = new StaticArray<u32>(length);
  for (let row = 0; row < length; row++) {
    // The columns are of one table, and so of one length.
    unchecked((wanted[row] = min(min(max(replicas[row], least[row]), most[row]), MOST_REPLICAS)));
  }
  return Replicas.every(wanted);
}
