/**
 * Settles as the work does, or rejects after so many ms. The result of work that ends later is ignored.
 *
 * @param onTimeout creates the error
 */
export async function withTimeout<T>(work: Promise<T>, ms: number, onTimeout: () => Error): Promise<T> {
  if (!(await endsWithin(work, ms))) {
    throw onTimeout();
  }
  return work;
}

/** Whether the work ends within so many ms; rejects where the work rejects within them. */
export async function endsWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    // A process that was stalled runs its timers before it reads from its sockets: the answer may be there already.
    timer = setTimeout(() => setImmediate(() => resolve(false)), ms);
  });
  try {
    return await Promise.race([work.then(() => true), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
