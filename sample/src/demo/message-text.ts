/** What a message said before it was encrypted: told by its id, so that every one can be checked. */
export function messageText(id: bigint): Buffer {
  return Buffer.from(`Message ${id}: the ferry leaves at ${id % 24n}:${String(id % 60n).padStart(2, '0')}.`);
}
