// Guest of the bench: reads three `u32` columns and answers one row for each class. The same as ../src/lib.rs.

import { Prices, definePlacement } from "plimsoll-sdk";

export const placement = definePlacement({
  place(view) {
    const prices = new Prices();
    const [set] = view.sets;
    if (set === undefined) return prices;
    const { classCpu: cpu, classMemory: memory, classPending: pending } = view;
    const { length } = cpu;
    const codes = new Uint16Array(length);
    for (let row = 0; row < length; row++) codes[row] = (cpu[row] + memory[row] + pending[row]) & 1;
    prices.forbidEvery(set, codes);
    return prices;
  },
});
