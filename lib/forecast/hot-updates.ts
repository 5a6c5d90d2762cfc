/**
 * Share of the updates of full pages that are heap-only in a run, although none was in a transaction alone: the first rows
 * of a page that are updated get their new versions elsewhere. Once they are committed, their old versions are pruned, and
 * later batches of the run find that room in the page.
 *
 * @param page rows and bytes of a page of the table
 * @param rowsPerVisit rows of a batch, as far as they are in one page
 * @param isWalked whether the batches follow the rows in the table: the first one of a page then begins anywhere before it
 */
export function hotInPrunedRoom(
  { rows, bytes }: { readonly rows: number; readonly bytes: number },
  rowsPerVisit: number,
  isWalked: boolean,
): number {
  const [page, visit] = [Math.max(1, Math.round(rows)), Math.max(1, Math.round(rowsPerVisit))];
  const pruned = Math.max(0, 1 - (LINE_POINTER * page) / bytes);
  const offsets = isWalked ? visit : 1;
  // Not each of very many rows: the share changes smoothly with them.
  const step = Math.max(1, Math.floor(offsets / MAX_OFFSETS));
  let [hot, count] = [0, 0];
  for (let first = isWalked ? 1 : visit; first <= visit; first += step) {
    hot += hotOfPage(page, first, visit, pruned);
    count++;
  }
  return hot / (count * page);
}

const MAX_OFFSETS = 1_000;
/** Bytes that stay of a version which is pruned: its line pointer, until the table is vacuumed. */
const LINE_POINTER = 4;

/**
 * Heap-only updates of a page by visits, the first of which has fewer rows.
 *
 * @param pruned share of an old version that makes room
 */
function hotOfPage(page: number, first: number, visit: number, pruned: number): number {
  let [hot, room] = [0, 0];
  for (let done = 0, rows = first; done < page; done += rows, rows = visit) {
    const updated = Math.min(rows, page - done);
    const fitting = Math.min(updated, room);
    hot += fitting;
    room += updated * pruned - fitting;
  }
  return hot;
}
