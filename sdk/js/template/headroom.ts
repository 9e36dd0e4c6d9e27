// Headroom policy: keeps room for as many pods as waited at most in the last cycles.

import { Room, defineHeadroom, whole } from "plimsoll-sdk";

export const headroom = defineHeadroom({
  config: {
    /** How far back to look, minutes. */
    minutes: whole(30),
    /** Request of a virtual pod. */
    cpu_milli: whole(250),
    memory_mib: whole(512),
  },

  reserve(view, config) {
    const recent = view.history.filter((moment) => Math.floor(moment.ageMs / 60_000) <= config.minutes);
    const most = Math.max(0, ...recent.map((moment) => moment.pending));
    const room = new Room();
    room.keep(Math.min(most, 100), config.cpu_milli, config.memory_mib, 1);
    return room;
  },
});
