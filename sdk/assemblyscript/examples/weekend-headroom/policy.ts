// Headroom policy: keeps room for so many pods of one size on weekdays and for so many at weekends, and for more where
// many pods waited a short while ago.
//
// Knows no holidays and no daylight saving time: a day begins at midnight, so many minutes away from UTC.

import { Config, Room, View } from "plimsoll-sdk";

/** Reason codes. */
const WEEKDAY: u16 = 1;
const WEEKEND: u16 = 2;
const FOLLOWS_DEMAND: u16 = 3;

const MINUTE: u64 = 60_000;
const MINUTES_A_DAY: i64 = 1440;
/** Days of the week count from Monday, 0; the epoch was a Thursday. */
const THURSDAY: i64 = 3;
const SATURDAY: i64 = 5;
/** More virtual pods the host does not take. */
const MOST_PODS: u32 = 10_000;

/** Minutes that local time is ahead of UTC. */
let utcOffsetMinutes: i64 = 0;
/** Request of a virtual pod. */
let cpuMilli: u32 = 500;
let memoryMib: u32 = 1024;
let weekdayPods: u32 = 10;
let weekendPods: u32 = 2;
/** Room for this share of the most pods that waited in recent minutes; 0: demand is not followed. */
let peakPercent: u32 = 0;
let peakMinutes: u32 = 60;

export function configure(config: Config): void {
  utcOffsetMinutes = config.whole("utc_offset_minutes", utcOffsetMinutes, -1440, 1440);
  cpuMilli = config.whole("cpu_milli", cpuMilli);
  memoryMib = config.whole("memory_mib", memoryMib);
  weekdayPods = config.whole("weekday_pods", weekdayPods, 0, MOST_PODS);
  weekendPods = config.whole("weekend_pods", weekendPods, 0, MOST_PODS);
  peakPercent = config.whole("peak_percent", peakPercent, 0, 1000);
  peakMinutes = config.whole("peak_minutes", peakMinutes, 1, 1440);
  if (cpuMilli == 0 && memoryMib == 0) config.refuse("cpu_milli and memory_mib must not both be 0");
}

export function reserve(view: View): Room {
  const weekend = weekday(view.nowMs) >= SATURDAY;
  let pods: u64 = weekend ? weekendPods : weekdayPods;
  let code = weekend ? WEEKEND : WEEKDAY;
  if (peakPercent > 0) {
    const follow = (<u64>peak(view) * peakPercent + 99) / 100;
    if (follow > pods) {
      pods = follow;
      code = FOLLOWS_DEMAND;
    }
  }
  const room = new Room();
  if (pods > 0) room.keep(<u32>min<u64>(pods, MOST_PODS), cpuMilli, memoryMib, code);
  return room;
}

/** Day of the week there; Monday is 0. Minutes before the epoch are of days before it. */
function weekday(nowMs: u64): i64 {
  const minutes = <i64>(nowMs / MINUTE) + utcOffsetMinutes;
  // Division cuts towards zero; it must go down.
  const day = minutes >= 0 ? minutes / MINUTES_A_DAY : -((MINUTES_A_DAY - 1 - minutes) / MINUTES_A_DAY);
  return (((day + THURSDAY) % 7) + 7) % 7;
}

/** Most pods that waited in one of the last cycles. */
function peak(view: View): u32 {
  const history = view.history;
  let most: u32 = 0;
  for (let i = 0; i < history.length; i++) {
    const moment = history[i];
    if (moment.ageMs <= peakMinutes * <u32>MINUTE) most = max(most, moment.pending);
  }
  return most;
}
