import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { BackfillEvent } from 'nestjs-backfill';
import { CONDITION_MS } from '../deadlines.js';

/** A message or comment of a stream of server-sent events. */
export interface Block {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
  readonly comment?: string;
}

export interface EventReader {
  readonly response: IncomingMessage;
  readonly blocks: readonly Block[];
  /** The backfill events among the blocks. */
  events(): BackfillEvent[];
  /** Waits for a block that passes; one that was received before counts, too. */
  until(what: string, passes: (block: Block) => boolean): Promise<Block>;
  /** Waits until the server ends the stream. */
  ended(): Promise<void>;
  close(): void;
}

/** Opens an event stream and collects its blocks. */
export async function openEvents(url: string, headers: Record<string, string> = {}): Promise<EventReader> {
  // Not with `fetch`: aborting a stream makes it open a new connection, for which a closing server waits.
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { headers, agent: false }, resolve).once('error', reject);
  });
  const blocks: Block[] = [];
  const listeners = new Set<() => void>();
  const reading = read(response, (block) => {
    blocks.push(block);
    listeners.forEach((listener) => listener());
  });
  reading.catch(() => {});
  return {
    response,
    blocks,
    events: () => blocks.flatMap(({ id, data }) => (id && data ? [JSON.parse(data) as BackfillEvent] : [])),
    until: (what, passes) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`Expected ${what}, got ${JSON.stringify(blocks.slice(-5))}`)),
          CONDITION_MS,
        );
        const check = () => {
          const found = blocks.find(passes);
          if (found) {
            clearTimeout(timer);
            listeners.delete(check);
            resolve(found);
          }
        };
        listeners.add(check);
        check();
      }),
    ended: () => reading,
    close: () => response.destroy(),
  };
}

async function read(response: IncomingMessage, onBlock: (block: Block) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response as AsyncIterable<Buffer>) {
    rest += decoder.decode(chunk, { stream: true });
    const parts = rest.split('\n\n');
    rest = parts.pop() ?? '';
    parts.forEach((part) => onBlock(parse(part)));
  }
}

function parse(text: string): Block {
  const fields = text.split('\n').map((line) => {
    const cut = line.indexOf(': ');
    return [cut === 0 ? 'comment' : line.slice(0, cut), line.slice(cut + 2)];
  });
  return Object.fromEntries(fields) as Block;
}
