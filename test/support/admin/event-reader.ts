import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { BackfillEvent } from 'nestjs-backfill';

/** A block of a stream of server-sent events. */
export interface Block {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
  readonly comment?: string;
}

export interface EventReader {
  readonly response: IncomingMessage;
  readonly blocks: readonly Block[];
  /** The events among the blocks. */
  events(): BackfillEvent[];
  /** Waits for a block that passes, also among those that came before. */
  until(what: string, passes: (block: Block) => boolean): Promise<Block>;
  /** Waits until the server ends the stream. */
  ended(): Promise<void>;
  close(): void;
}

const WITHIN_MS = 15_000;

/** Opens a stream of events and keeps what comes. */
export async function openEvents(url: string, headers: Record<string, string> = {}): Promise<EventReader> {
  // Not by `fetch`, which connects anew when a stream is aborted and has a server wait for it to close.
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
          WITHIN_MS,
        );
        const look = () => {
          const found = blocks.find(passes);
          if (found) {
            clearTimeout(timer);
            listeners.delete(look);
            resolve(found);
          }
        };
        listeners.add(look);
        look();
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
