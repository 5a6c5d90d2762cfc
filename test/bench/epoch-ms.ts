/** Now, to the fraction of a ms, as all processes of a machine take it. */
export function epochMs(): number {
  return performance.timeOrigin + performance.now();
}
