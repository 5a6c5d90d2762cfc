/** Where a process may die: `<class>.<method>:before`, `:after`, and points of its own. */
export type Passing = (point: string) => void;

/** Kills this process, as `kill -9` does, at the n-th passing of a point. */
export function dieAt(fault: { point: string; nth: number } | null): Passing {
  let passed = 0;
  return (point) => {
    if (fault && point === fault.point && ++passed === fault.nth) {
      process.kill(process.pid, 'SIGKILL');
      // The signal comes a moment later: nothing more may happen until then.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    }
  };
}

/** The same object, passing a point before and after each of the named methods. */
export function instrument<T extends object>(
  target: T,
  className: string,
  methods: readonly (keyof T & string)[],
  pass: Passing,
): T {
  return new Proxy(target, {
    get(object, property, receiver) {
      const value: unknown = Reflect.get(object, property, receiver);
      if (typeof value !== 'function' || !(methods as readonly PropertyKey[]).includes(property)) {
        return typeof value === 'function' ? value.bind(object) : value;
      }
      return async (...args: unknown[]) => {
        const point = `${className}.${String(property)}`;
        pass(`${point}:before`);
        const answer: unknown = await value.apply(object, args);
        pass(`${point}:after`);
        return answer;
      };
    },
  });
}
