// Scaler policy: one replica for so much of a queue, none where the queue has been empty for a while.
//
// For metrics that count what waits (messages, requests); `cpu` and `memory` it leaves alone. A value that is missing
// or old never means an empty queue: the workload keeps what it has.

import { Replicas, defineScaler, keep, utf8, whole, type Workload } from "plimsoll-sdk";

/** Reason codes. */
const MORE = 1;
const LESS = 2;
const AS_IT_IS = 3;

const MOST_REPLICAS = 1_000_000;
const MOST_KEPT = 65_536;
const MOST_SHOWN = 4_294_967_295;

export const scaler = defineScaler({
  config: {
    /** Values older than this are not believed. */
    max_age_seconds: whole(120, { to: 86_400 }),
    /** A queue that has been empty for so long needs no replicas. */
    idle_seconds: whole(300, { to: 86_400 }),
    /** At most this share of the replicas goes at once. */
    most_down_percent: whole(50, { to: 100 }),
  },

  scale(view, config) {
    const answer = new Replicas();
    const now = view.nowMs;
    const before = emptySince(view.stateText);
    const empty: string[] = [];
    for (const workload of view.workloads) {
      const { metric } = workload;
      if (metric === "cpu" || metric === "memory") continue;
      const { value, target, replicas } = workload;
      if (value === undefined || workload.ageMs > config.max_age_seconds * 1000 || target <= 0) {
        const old = before.size > 0 ? before.get(key(workload)) : undefined;
        if (old !== undefined) empty.push(old.line);
        continue;
      }
      let wanted: number;
      if (value <= 0) {
        const since = before.get(key(workload))?.since ?? String(now);
        empty.push(`${key(workload)} ${since}\n`);
        wanted = now - Number(since) >= config.idle_seconds * 1000 ? 0 : 1;
      } else {
        wanted = Math.max(1, Math.min(Math.ceil(value / target), MOST_REPLICAS));
      }
      if (wanted > 0 && wanted < replicas) {
        wanted = Math.max(wanted, Math.ceil((replicas * (100 - config.most_down_percent)) / 100));
      }
      if (wanted === replicas) answer.set(workload, wanted, AS_IT_IS);
      else answer.set(workload, wanted, wanted > replicas ? MORE : LESS, words(workload, value, wanted));
    }
    keep(whatFits(utf8(empty.join(""))));
    return answer;
  },
});

/** The first lines of a state, as many as may be kept. A queue that is not remembered is never idle for long. */
function whatFits(state: Uint8Array): Uint8Array {
  return state.length <= MOST_KEPT ? state : state.subarray(0, state.lastIndexOf(0x0a, MOST_KEPT - 1) + 1);
}

function key(workload: Workload): string {
  return `${workload.kind}/${workload.namespace}/${workload.name}`;
}

function words(workload: Workload, value: number, wanted: number): string {
  const depth = Math.min(Math.floor(value), MOST_SHOWN);
  return `${workload.name}: ${depth} waiting, ${workload.replicas} to ${wanted}`;
}

/** When a queue was seen empty first: milliseconds since the epoch, as they are written, and the whole line. */
interface Kept {
  readonly since: string;
  readonly line: string;
}

/** What was kept: a line `KIND/NAMESPACE/NAME SINCE` for each workload whose queue was empty; others are ignored. */
function emptySince(kept: string): Map<string, Kept> {
  const found = new Map<string, Kept>();
  for (const line of kept.split("\n")) {
    const [, key, since] = line.match(/^(.+) 0*(\d+)$/s) ?? [];
    if (key !== undefined && Number(since) < 2 ** 64) found.set(key, { since, line: `${line}\n` });
  }
  return found;
}
