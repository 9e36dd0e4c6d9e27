// Review policy: lets a plan add so many dollars per hour at once and holds what goes beyond, later steps first.

import { Holds, defineReview, number, texts } from "plimsoll-sdk";

const TOO_DEAR = 1;

export const review = defineReview({
  config: {
    /** What the steps of one plan may add together, dollars per hour. */
    usd_per_hour: number(10),
    /** Groups and Fargate profiles that do not count. */
    except: texts([]),
  },

  review(view, config) {
    const holds = new Holds();
    const limit = config.usd_per_hour;
    let sum = 0;
    for (const step of view.steps) {
      // What nobody knows the price of is not what this policy is about.
      const adds = step.adds ?? 0;
      if (adds <= 0 || config.except.includes(step.group)) continue;
      if (sum + adds > limit) {
        const why = `adds ${adds.toFixed(2)}, ${sum.toFixed(2)} of ${limit.toFixed(2)} are taken`;
        holds.hold(step, TOO_DEAR, why);
      } else {
        sum += adds;
      }
    }
    return holds;
  },
});
