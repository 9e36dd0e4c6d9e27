// Columns of the picture, whole: one entry for each row of their table. Fetched when first read, and kept.
//
// Units, codes and what stands for "not known" are those of sdk/wit/view.wit, whose functions these are in camel case.
// Rows (rows.ts) make something kinder of them.

/** Stands for "not known" where a column of whole numbers says that its values can be absent. */
export const ABSENT = 4294967295;

const numbers = [
  "classCpu", "classMemory", "classPending", "classToCome", "classHeadroom",
  "setKind", "setPurchase", "setOffers", "setNodes", "setCpuRequested", "setMemoryRequested",
  "setCpuUsed", "setMemoryUsed", "setBootMs",
  "workloadReplicas", "workloadReady", "workloadMin", "workloadMax", "workloadAgeMs", "workloadPods",
  "workloadRecentMax",
  "candidateAgeMs", "candidateMoves", "candidateCpuRequested", "candidateMemoryRequested",
  "candidateCpuUsed", "candidateMemoryUsed", "candidateUnneededMs", "candidateDue",
  "moverCandidate", "moverCpu", "moverMemory", "moverAgeMs",
  "stepFrom", "stepTo", "stepPods",
  "groupKind", "groupMin", "groupMax", "groupDesired", "groupNodes", "groupForeign",
  "groupCpuRequested", "groupMemoryRequested", "groupCpuUsed", "groupMemoryUsed",
  "groupBootMs", "groupShortMs",
  "offerGroup", "offerPurchase", "offerCpu", "offerMemory", "offerPods", "offerConfidence",
  "offerInterruptions", "offerBarredMs",
  "nodeGroup", "nodeOffer", "nodeState", "nodeAgeMs", "nodeCpu", "nodeMemory", "nodePods",
  "nodeCpuUsed", "nodeMemoryUsed",
  "podNode", "podPhase", "podAgeMs", "podCpu", "podMemory", "podCpuUsed", "podMemoryUsed",
  "metricAgeMs", "metricPods",
  "sampleWorkload", "sampleAgeMs",
  "historyAgeMs", "historyPending",
] as const;

const signed = ["classPriority", "podPriority"] as const;

const amounts = [
  "classEc2Price", "classFargatePrice", "setMinPrice",
  "workloadTarget", "workloadValue", "workloadRequest",
  "candidatePrice", "stepAdds", "stepSaves", "offerPrice", "nodePrice", "metricValue", "sampleValue",
] as const;

const syms = [
  "classNamespace", "classOwnerKind", "classOwnerName", "setName", "setGroup", "setArch",
  "workloadKind", "workloadNamespace", "workloadName", "workloadMetric",
  "candidateName", "candidateGroup",
  "moverNamespace", "moverName", "moverOwnerKind", "moverOwnerName",
  "stepKind", "stepGroup", "stepNamespace", "stepObject",
  "groupName", "offerType", "offerZone", "offerArch", "nodeName",
  "podNamespace", "podName", "podOwnerKind", "podOwnerName",
  "metricName", "metricKind", "metricNamespace", "metricWorkload",
] as const;

/** By key: a label, an annotation. */
const keyedSyms = [
  "classLabel", "classAnnotation", "setLabel", "workloadLabel", "workloadAnnotation",
  "candidateLabel", "moverLabel", "moverAnnotation",
  "groupLabel", "offerLabel", "nodeLabel", "podLabel", "podAnnotation",
] as const;

/** By name of an extended resource. */
const keyedNumbers = ["classExtended", "offerExtended", "nodeExtended", "podExtended"] as const;

type Each<Names extends readonly string[], Column> = { readonly [Name in Names[number]]: Column };

/** Whole columns. */
export type Columns = Each<typeof numbers, Uint32Array> &
  Each<typeof signed, Int32Array> &
  Each<typeof amounts, Float64Array> &
  Each<typeof syms, Uint32Array> &
  Each<typeof keyedSyms, (key: string) => Uint32Array> &
  Each<typeof keyedNumbers, (resource: string) => Uint32Array>;

/** Columns of syms whose words are in the dictionary. */
export type Worded = Each<typeof syms, Uint32Array> & Each<typeof keyedSyms, (key: string) => Uint32Array>;

/** From the first row to the last. */
const ALL = [0, ABSENT];

type Fetch = (...range: (string | number)[]) => Uint8Array;

/** What a View has from its columns. */
export class ColumnsOfPicture {
  constructor(protected readonly picture: Picture) {}
}

for (const name of [...numbers, ...syms]) whenRead(ColumnsOfPicture, name, (of) => whole(of, name));
for (const name of [...keyedSyms, ...keyedNumbers]) {
  whenRead(ColumnsOfPicture, name, (of) => kept((key) => whole(of, name, key)));
}
for (const name of signed) {
  whenRead(ColumnsOfPicture, name, (of) => {
    const bytes = fetched(of, name);
    return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  });
}
for (const name of amounts) {
  whenRead(ColumnsOfPicture, name, (of) => {
    const bytes = fetched(of, name);
    return new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
  });
}

function whole(of: ColumnsOfPicture, name: string, ...key: string[]): Uint32Array {
  const bytes = fetched(of, name, ...key);
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

function fetched(of: ColumnsOfPicture, name: string, ...key: string[]): Uint8Array {
  return (of["picture"] as unknown as Record<string, Fetch>)[name](...key, ...ALL);
}

/** Words by sym, fetched in batches and kept. Before its words are read, a column is asked of `worded`. */
export class Dictionary {
  readonly words: string[] = [""];
  readonly worded: Worded;

  constructor(
    readonly columns: Columns,
    private readonly picture: Picture,
  ) {
    this.worded = new WordedOf(this) as unknown as Worded;
  }

  /** Sees to it that the words of a column are there. */
  learn(column: Uint32Array): Uint32Array {
    const { words } = this;
    const asked: number[] = [];
    const rows = column.length;
    let last = 0;
    for (let row = 0; row < rows; row++) {
      const sym = column[row];
      // Neighbours are often alike.
      if (sym === last) continue;
      last = sym;
      if (words[sym] === undefined) {
        words[sym] = "";
        asked.push(sym);
      }
    }
    if (asked.length > 0) this.picture.resolve(asked).forEach((word, at) => (words[asked[at]] = word));
    return column;
  }
}

class WordedOf {
  constructor(readonly dictionary: Dictionary) {}
}

for (const name of syms) whenRead(WordedOf, name, ({ dictionary }) => dictionary.learn(dictionary.columns[name]));
for (const name of keyedSyms) {
  whenRead(WordedOf, name, ({ dictionary }) => kept((key) => dictionary.learn(dictionary.columns[name](key))));
}

/** A property that is made when it is first read, and then stays. */
function whenRead<Of>(type: { prototype: Of }, name: string, make: (of: Of) => unknown): void {
  Object.defineProperty(type.prototype as object, name, {
    get(this: Of & object) {
      const value = make(this);
      Object.defineProperty(this, name, { value });
      return value;
    },
  });
}

/** A function that is asked once for each key. */
function kept<Column>(make: (key: string) => Column): (key: string) => Column {
  const made = new Map<string, Column>();
  return (key) => {
    let column = made.get(key);
    if (column === undefined) made.set(key, (column = make(key)));
    return column;
  };
}
