/** A walk as a run stores it: the description of each part; `null` where only its presence is known. */
export type Walk = Readonly<Record<string, string | null>>;

/** How a walk differs from the one that a run was started with, in words; parts that are new are no difference. */
export function walkChanges(started: Walk, current: Walk): string[] {
  return Object.entries(started).flatMap(([part, before]) => {
    const now = current[part];
    const was = before === null ? '' : ` was ${before} and`;
    if (now === undefined || now === null) {
      return [`${part}${was} is gone`];
    }
    return before === null || before === now ? [] : [`${part}${was} is ${now}`];
  });
}
