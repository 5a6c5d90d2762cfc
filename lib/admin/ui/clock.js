/** The `Date` header has whole seconds and comes from another clock than that of Redis. */
const COARSE_MS = 2_000;

let offset = 0;

/** The time of the server, in epoch milliseconds: a wrong clock of this computer changes no duration. */
export const serverNow = () => Date.now() + offset;

/** Sets the clock by the time of an answer: the `now` of the body, else the `Date` header. */
export function noteServerTime(text, isExact) {
  const next = Date.parse(text ?? '') - Date.now();
  if (Number.isNaN(next)) return;
  if (isExact || Math.abs(next - offset) > COARSE_MS) offset = next;
}
