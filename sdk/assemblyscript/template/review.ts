// Review policy: lets a plan add so many dollars per hour at once and holds what goes beyond, later steps first.

import { Config, Holds, View } from "plimsoll-sdk";

const TOO_DEAR: u16 = 1;

/** What the steps of one plan may add together, dollars per hour. */
let usdPerHour: f64 = 10;
/** Groups and Fargate profiles that do not count. */
let except: string[] = [];

export function configure(config: Config): void {
  usdPerHour = config.number("usd_per_hour", usdPerHour);
  except = config.texts("except", except);
}

export function review(view: View): Holds {
  const holds = new Holds();
  const steps = view.steps;
  let sum: f64 = 0;
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i];
    // What nobody knows the price of is not what this policy is about.
    if (!step.hasAdds || step.adds <= 0 || except.includes(step.group)) continue;
    if (sum + step.adds > usdPerHour) {
      holds.holdBecause(step, TOO_DEAR, `adds ${step.adds}, ${sum} of ${usdPerHour} are taken`);
    } else {
      sum += step.adds;
    }
  }
  return holds;
}
