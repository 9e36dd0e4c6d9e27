// Scaler policy: one replica for so much of a queue, none where the queue has been empty for a while.
//
// For metrics that count what waits (messages, requests); `cpu` and `memory` it leaves alone. A value that is missing
// or old never means an empty queue: the workload keeps what it has.

import { Config, keep, Replicas, View, Workload } from "plimsoll-sdk";

/** Reason codes. */
const MORE: u16 = 1;
const LESS: u16 = 2;
const AS_IT_IS: u16 = 3;

const MOST_REPLICAS: f64 = 1_000_000;
const MOST_KEPT: i32 = 65_536;
const MOST_SHOWN: f64 = 4_294_967_295;

/** Values older than this are not believed. */
let maxAgeSeconds: u32 = 120;
/** A queue that has been empty for so long needs no replicas. */
let idleSeconds: u32 = 300;
/** At most this share of the replicas goes at once. */
let mostDownPercent: u32 = 50;

export function configure(config: Config): void {
  maxAgeSeconds = config.whole("max_age_seconds", maxAgeSeconds, 0, 86_400);
  idleSeconds = config.whole("idle_seconds", idleSeconds, 0, 86_400);
  mostDownPercent = config.whole("most_down_percent", mostDownPercent, 0, 100);
}

export function scale(view: View): Replicas {
  const answer = new Replicas();
  const workloads = view.workloads;
  const now = view.nowMs;
  const before = emptySince(view.stateText);
  const empty = new Lines();
  for (let i = 0; i < workloads.length; i++) {
    const workload = workloads[i];
    const metric = workload.metric;
    if (metric == "cpu" || metric == "memory") continue;
    const fresh = workload.hasValue && workload.ageMs <= maxAgeSeconds * 1000;
    if (!fresh || workload.target <= 0) {
      const line = before.size > 0 ? key(workload) : "";
      if (before.has(line)) empty.add(before.get(line).line);
      continue;
    }
    const value = workload.value;
    const replicas = workload.replicas;
    let wanted: u32 = 1;
    if (value <= 0) {
      const line = key(workload);
      const since = before.has(line) ? before.get(line).since : now;
      empty.add(`${line} ${since}\n`);
      if (now >= since && now - since >= <u64>idleSeconds * 1000) wanted = 0;
    } else {
      wanted = max<u32>(1, <u32>min(Math.ceil(value / workload.target), MOST_REPLICAS));
    }
    if (wanted > 0 && wanted < replicas) {
      wanted = max(wanted, <u32>((<u64>replicas * (100 - mostDownPercent) + 99) / 100));
    }
    if (wanted == replicas) answer.set(workload, wanted, AS_IT_IS);
    else answer.setBecause(workload, wanted, wanted > replicas ? MORE : LESS, words(workload, value, wanted));
  }
  keep(empty.text);
  return answer;
}

/** The first lines of a state, as many as may be kept. A queue that is not remembered is never idle for long. */
class Lines {
  private kept: string[] = [];
  private bytes: i32 = 0;

  add(line: string): void {
    // Nothing is given back while a policy runs: what is not kept is not held either.
    if (this.bytes > MOST_KEPT) return;
    this.bytes += String.UTF8.byteLength(line);
    if (this.bytes <= MOST_KEPT) this.kept.push(line);
  }

  get text(): string {
    return this.kept.join("");
  }
}

function key(workload: Workload): string {
  return `${workload.kind}/${workload.namespace}/${workload.name}`;
}

function words(workload: Workload, value: f64, wanted: u32): string {
  const depth = <u32>min(Math.floor(value), MOST_SHOWN);
  return `${workload.name}: ${depth} waiting, ${workload.replicas} to ${wanted}`;
}

/** A line of what was kept, and when the queue was seen empty first. */
class Kept {
  constructor(
    readonly line: string,
    readonly since: u64,
  ) {}
}

/** What was kept: a line `KIND/NAMESPACE/NAME SINCE` for each workload whose queue was empty; others are ignored. */
function emptySince(kept: string): Map<string, Kept> {
  const found = new Map<string, Kept>();
  const lines = kept.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    const space = line.lastIndexOf(" ");
    if (space > 0 && isNumber(line, space + 1)) {
      found.set(line.substring(0, space), new Kept(`${line}\n`, U64.parseInt(line.substring(space + 1), 10)));
    }
  }
  return found;
}

/** Whether a text is decimal digits from here on, no more than a time has. */
function isNumber(text: string, from: i32): bool {
  if (from == text.length || text.length - from > 19) return false;
  for (let at = from; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x30 || unit > 0x39) return false;
  }
  return true;
}
