// What the author of a policy in AssemblyScript imports from "plimsoll-sdk".

export { Holds, Prices, Replicas, Room, Verdicts } from "./answers";
export { ABSENT } from "./columns";
export { Config } from "./config";
export { decline, explain, explainRow, keep, keepBytes, log } from "./host";
export {
  Candidate, Class, Confidence, Due, Group, GroupKind, Metric, Moment, Mover, Node, Offer, OfferSet, Phase, Pod,
  Purchase, Row, Sample, Step, Workload,
} from "./rows";
export { Table, View } from "./view";
