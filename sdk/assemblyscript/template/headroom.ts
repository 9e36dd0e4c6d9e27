// Headroom policy: keeps room for as many pods as waited at most in the last cycles.

import { Config, Room, View } from "plimsoll-sdk";

/** How far back to look, minutes. */
let minutes: u32 = 30;
/** Request of a virtual pod. */
let cpuMilli: u32 = 250;
let memoryMib: u32 = 512;

export function configure(config: Config): void {
  minutes = config.whole("minutes", minutes);
  cpuMilli = config.whole("cpu_milli", cpuMilli);
  memoryMib = config.whole("memory_mib", memoryMib);
}

export function reserve(view: View): Room {
  const history = view.history;
  let most: u32 = 0;
  for (let i = 0; i < history.length; i++) {
    if (history[i].ageMs / 60_000 <= minutes) most = max(most, history[i].pending);
  }
  const room = new Room();
  room.keep(min<u32>(most, 100), cpuMilli, memoryMib, 1);
  return room;
}
