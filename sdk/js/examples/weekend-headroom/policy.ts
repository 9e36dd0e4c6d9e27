// Headroom policy: keeps room for so many pods of one size on weekdays and for so many at weekends, and for more where
// many pods waited a short while ago.
//
// Knows no holidays and no daylight saving time: a day begins at midnight, so many minutes away from UTC.

import { Room, defineHeadroom, whole, type View } from "plimsoll-sdk";

/** Reason codes. */
const WEEKDAY = 1;
const WEEKEND = 2;
const FOLLOWS_DEMAND = 3;

const MINUTE = 60_000;
const MINUTES_A_DAY = 1440;
/** Days of the week count from Monday, 0; the epoch was a Thursday. */
const THURSDAY = 3;
const SATURDAY = 5;
/** More virtual pods the host does not take. */
const MOST_PODS = 10_000;

export const headroom = defineHeadroom({
  config: {
    /** Minutes that local time is ahead of UTC. */
    utc_offset_minutes: whole(0, { from: -1440, to: 1440 }),
    /** Request of a virtual pod. */
    cpu_milli: whole(500),
    memory_mib: whole(1024),
    weekday_pods: whole(10, { to: MOST_PODS }),
    weekend_pods: whole(2, { to: MOST_PODS }),
    /** Room for this share of the most pods that waited in recent minutes; 0: demand is not followed. */
    peak_percent: whole(0, { to: 1000 }),
    peak_minutes: whole(60, { from: 1, to: 1440 }),
  },

  configure(config) {
    if (config.cpu_milli === 0 && config.memory_mib === 0) {
      throw new Error("cpu_milli and memory_mib must not both be 0");
    }
    return config;
  },

  reserve(view, config) {
    const weekend = weekday(view.nowMs, config.utc_offset_minutes) >= SATURDAY;
    let pods = weekend ? config.weekend_pods : config.weekday_pods;
    let code = weekend ? WEEKEND : WEEKDAY;
    if (config.peak_percent > 0) {
      const follow = Math.ceil((peak(view, config.peak_minutes) * config.peak_percent) / 100);
      if (follow > pods) [pods, code] = [follow, FOLLOWS_DEMAND];
    }
    const room = new Room();
    if (pods > 0) room.keep(Math.min(pods, MOST_PODS), config.cpu_milli, config.memory_mib, code);
    return room;
  },
});

/** Day of the week there; Monday is 0. Minutes before the epoch are of days before it. */
function weekday(nowMs: number, utcOffsetMinutes: number): number {
  const minutes = Math.floor(nowMs / MINUTE) + utcOffsetMinutes;
  const day = Math.floor(minutes / MINUTES_A_DAY);
  return (((day + THURSDAY) % 7) + 7) % 7;
}

/** Most pods that waited in one of the last cycles. */
function peak(view: View, minutes: number): number {
  const recent = view.history.filter((moment) => moment.ageMs <= minutes * MINUTE);
  return recent.reduce((most, moment) => Math.max(most, moment.pending), 0);
}
