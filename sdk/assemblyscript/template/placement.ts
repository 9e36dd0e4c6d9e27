// Placement policy: keeps batch pods off Fargate.

import { Config, Prices, View } from "plimsoll-sdk";

/** Label whose value `batch` marks such pods. */
let label = "tier";

export function configure(config: Config): void {
  label = config.text("label", label);
}

export function place(view: View): Prices {
  const prices = new Prices();
  const classes = view.classes;
  const sets = view.sets;
  for (let i = 0; i < classes.length; i++) {
    const pods = classes[i];
    if (pods.label(label) != "batch") continue;
    for (let j = 0; j < sets.length; j++) {
      const set = sets[j];
      if (set.isFargate) prices.forbid(pods, set, 1);
    }
  }
  return prices;
}
