// Placement policy: keeps batch pods off Fargate.

import { Prices, definePlacement, text } from "plimsoll-sdk";

export const placement = definePlacement({
  config: {
    /** Label whose value `batch` marks such pods. */
    label: text("tier"),
  },

  place(view, config) {
    const prices = new Prices();
    const fargate = view.sets.filter((set) => set.isFargate);
    for (const pods of view.classes) {
      if (pods.label(config.label) !== "batch") continue;
      for (const set of fargate) prices.forbid(pods, set, 1);
    }
    return prices;
  },
});
