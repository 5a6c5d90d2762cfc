import type { Type } from '@nestjs/common';
import { Backfill, keyset } from 'nestjs-backfill';
import type { BackfillConfigPatch, BackfillContext, BackfillGuard } from 'nestjs-backfill';
import { ChaosDoc, ChaosVersionedDoc, type DocBody } from './docs.entity.js';

interface Doc {
  shape: number;
  body: DocBody;
}

const WALK = { orderBy: { id: 'asc' }, where: { shape: 1 } } as const;

/** By backfill: how its documents are guarded. */
const GUARDS: Readonly<Record<string, BackfillGuard>> = {
  'reshape-recheck': 'recheck',
  'reshape-columns': { columns: ['body'] },
  'reshape-lock': 'lock',
  'reshape-none': 'none',
};

/** Handlers that give documents another form, which takes a while. */
export function docHandlers(
  config: BackfillConfigPatch,
  work: (signal: AbortSignal) => Promise<void>,
): Type[] {
  const reshapeAll = async (docs: Doc[], { signal }: BackfillContext) => {
    await work(signal);
    docs.forEach(reshape);
  };
  const batchHandlers = Object.entries(GUARDS).map(([name, guard]): Type => {
    @Backfill({ name, guard, source: keyset(ChaosDoc, WALK), config })
    class Reshape {
      processBatch(docs: Doc[], context: BackfillContext) {
        return reshapeAll(docs, context);
      }
    }
    return Reshape;
  });

  @Backfill({ name: 'reshape-versions', source: keyset(ChaosVersionedDoc, WALK), config })
  class ReshapeVersions {
    processBatch(docs: Doc[], context: BackfillContext) {
      return reshapeAll(docs, context);
    }
  }

  @Backfill({
    name: 'reshape-rows',
    source: keyset(ChaosDoc, WALK),
    config: { ...config, rowConcurrency: 5 },
  })
  class ReshapeRows {
    async processRow(doc: Doc, { signal }: BackfillContext) {
      const { body } = doc;
      await work(signal);
      doc.body = { ...body, form: 'new' };
      doc.shape = 2;
    }
  }

  return [...batchHandlers, ReshapeVersions, ReshapeRows];
}

function reshape(doc: Doc): void {
  doc.body = { ...doc.body, form: 'new' };
  doc.shape = 2;
}
