// Takes away what is not the picture: clocks and random numbers. The engine itself would stop without a word, or give
// the numbers of the machine that built the component.

function refused(what: string, instead: string): never {
  throw new Error(`${what} is not there; ${instead}`);
}

const TIME = "the only time is view.nowMs";

globalThis.Date = new Proxy(Date, {
  construct: (date, given, target) => {
    return given.length === 0 ? refused("new Date()", TIME) : Reflect.construct(date, given, target);
  },
  apply: () => refused("Date()", TIME),
  get: (date, name, target) => (name === "now" ? () => refused("Date.now", TIME) : Reflect.get(date, name, target)),
});
Math.random = () => refused("Math.random", "the only randomness is view.seed");
Reflect.deleteProperty(globalThis, "performance");
