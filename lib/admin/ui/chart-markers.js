import { isList, query, read } from './api.js';
import { between } from './format.js';

/** The newest entries of these types are marked. */
const MOST = 200;
/** What is marked: the word on the chart, and its kind, which gives its color. */
const MARKED = {
  configured: ['config', 'change'],
  paused: ['paused', 'change'],
  resumed: ['resumed', 'change'],
  started: ['start', 'change'],
  retried: ['retry', 'change'],
  held: ['held', 'hold'],
  released: ['released', 'hold'],
  heldAll: ['all held', 'hold'],
  releasedAll: ['all released', 'hold'],
  stalled: ['stalled', 'hold'],
  stallEnded: ['goes on', 'hold'],
  late: ['late', 'hold'],
  onTime: ['in time', 'hold'],
  deployed: ['deploy', 'deploy'],
};
const TYPES = [...Object.keys(MARKED), 'cancelled', 'completed', 'failed'];
/** What ends a hold beside its own end. */
const ENDS = new Set([
  'held',
  'released',
  'heldAll',
  'releasedAll',
  'paused',
  'cancelled',
  'completed',
  'failed',
]);

/** The entries of the history that the chart shows, oldest first. */
export async function loadMarked(url) {
  const entries = await read(`${url}/history${query({ limit: MOST, types: TYPES.join(',') })}`, isList);
  return entries.toReversed();
}

/** Lines of the chart: `{ id, at, text, kind, says }`, `at` in epoch seconds; `says` is their text alternative. */
export function markersOf(entries) {
  return entries
    .filter(({ type }) => type in MARKED)
    .map((entry) => {
      const [text, kind] = MARKED[entry.type];
      return { id: entry.id, at: timeOf(entry), text, kind, says: wordsOf(entry) };
    });
}

/** Times during which the run was held: `[from, to]` in epoch seconds; one that goes on ends at `until`. */
export function holdsOf(entries, until) {
  const holds = [];
  let from = null;
  for (const entry of entries) {
    if (from !== null && ENDS.has(entry.type)) {
      holds.push([from, timeOf(entry)]);
      from = null;
    }
    if (entry.type === 'held' || entry.type === 'heldAll') from = timeOf(entry);
  }
  return from === null || from >= until ? holds : [...holds, [from, until]];
}

/** What an entry of these types says in words; the reason is apart. */
export function wordsOf({ type, data }) {
  if (type === 'heldAll') return 'held with all backfills';
  if (type === 'releasedAll') return `released with all backfills after ${between(data.since, data.ended)}`;
  if (type === 'released') return `released after ${between(data.since, data.ended)}`;
  if (type === 'late') return `late: at least ${between(0, data.by)} after it should end`;
  if (type === 'onTime') return 'expected to end in time again';
  if (type === 'stallEnded') return `stalled no longer, after ${between(data.since, data.ended)}`;
  if (type === 'deployed') {
    const change =
      data.version === data.from ? '' : `, version ${data.from ?? 'none'} → ${data.version ?? 'none'}`;
    return `deployed: new processes (${data.processes})${change}`;
  }
  return type;
}

const ENDED = new Set(['released', 'releasedAll', 'stallEnded']);

/** The event of the end of a hold may come later than the end. */
function timeOf({ at, type, data }) {
  return (ENDED.has(type) ? data.ended : Date.parse(at)) / 1000;
}
