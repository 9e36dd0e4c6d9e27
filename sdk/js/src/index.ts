// What the author of a policy in JavaScript or TypeScript imports as "plimsoll-sdk".

/// <reference path="./contract.d.ts" />

import "./nothing-else";

export { Holds, Prices, Replicas, Room, Verdicts } from "./answers";
export { ABSENT } from "./columns";
export { flag, number, numbers, text, texts, whole, type Config, type Field, type Fields } from "./config";
export {
  Decline, defineDisruption, defineHeadroom, definePlacement, defineReview, defineScaler,
  type Disruption, type Headroom, type Placement, type Review, type Scaler,
} from "./hooks";
export { explain, keep, log } from "./host";
export { encoded as utf8 } from "./utf8";
export type {
  Candidate, Class, Confidence, Due, Group, GroupKind, Metric, Moment, Mover, Node, Offer, OfferSet, Phase, Pod,
  Purchase, Sample, Step, Workload,
} from "./rows";
export type { View } from "./view";
