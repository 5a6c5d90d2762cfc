import type { EntityManager } from '@mikro-orm/postgresql';
import { Backfill, idRange } from 'nestjs-backfill';
import type { BackfillContext, IdRange, RangeHandler } from 'nestjs-backfill';
import { MessageCipher } from './message.cipher.js';
import { Message } from './message.entity.js';

/** Moves messages from the retiring key to the current one, a statement to read and one to write a range. */
@Backfill({
  name: 'reencrypt-messages',
  description: 'Encrypts messages with the current key',
  source: idRange(Message),
  config: { batchSize: 500, perSecondOnPeak: 3, perSecondOffPeak: 7.5 },
})
export class ReencryptMessages implements RangeHandler<IdRange<Message, bigint>> {
  constructor(private readonly cipher: MessageCipher) {}

  async processRange({ begin, end }: IdRange<Message, bigint>, context: BackfillContext): Promise<number> {
    const em = context.em as EntityManager;
    const { retiring, current } = this.cipher.keys;
    // Rows that carry the new key already are skipped, so a range may come twice.
    const rows = await em.execute<{ id: string; body: Buffer }[]>(
      'select id, body from messages where id between ? and ? and key_id = ?',
      [begin, end, retiring.id],
    );
    if (rows.length === 0) {
      return 0;
    }
    const bodies = rows.map((row) => {
      const id = BigInt(row.id);
      return this.cipher.seal(id, this.cipher.open({ id, keyId: retiring.id, body: row.body }));
    });
    // The app may have written a message anew since it was read: then it has the new key, and stays as it is.
    const { affectedRows } = await em.execute<{ affectedRows: number }>(
      `update messages as message
          set body = sealed.body, key_id = ?, rewrites = message.rewrites + 1
         from unnest(array[?]::bigint[], array[?]::bytea[]) as sealed (id, body)
        where message.id = sealed.id and message.key_id = ?`,
      [current.id, rows.map(({ id }) => id), bodies, retiring.id],
      'run',
    );
    return affectedRows;
  }
}
