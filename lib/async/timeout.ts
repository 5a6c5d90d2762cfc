/**
 * Settles as the work does, or rejects after so many ms. What the work answers after that is dropped.
 *
 * @param onTimeout makes the error
 */
export async function withTimeout<T>(work: Promise<T>, ms: number, onTimeout: () => Error): Promise<T> {
  if (!(await endsWithin(work, ms))) {
    throw onTimeout();
  }
  return work;
}

/** Whether the work ends within so many ms; rejects where the work does so before. */
export async function endsWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    // A process that was busy itself runs its timers before it reads the answer that has already come.
    timer = setTimeout(() => setImmediate(() => resolve(false)), ms);
  });
  try {
    return await Promise.race([work.then(() => true), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
