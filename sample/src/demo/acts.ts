import type { BackfillConfigPatch, BackfillService, BackfillStatus } from 'nestjs-backfill';
import { Progress, grouped } from './progress.js';
import { Watch } from './watch.js';

/** The story of the demo: three backfills one after another, and what an operator does meanwhile. */
export class Acts {
  constructor(
    private readonly backfills: BackfillService,
    private readonly signal: AbortSignal,
  ) {}

  async play(): Promise<BackfillStatus[]> {
    return [await this.messages(), await this.orders(), await this.accounts()];
  }

  /** The rate is changed while it runs. */
  private async messages(): Promise<BackfillStatus> {
    const name = 'reencrypt-messages';
    const { progress, watch } = await this.start(name, { batchSize: 500, ...rate(10) });
    await watch.percent(15);
    progress.say('Nights are quiet: from 10 to 50 ranges a second, while it runs.');
    await this.backfills.configure(name, rate(50), { by: 'demo', reason: 'quiet night' });
    return watch.toTheEnd();
  }

  /** It is paused and resumed; nothing is done meanwhile, and nobody has to say where to go on. */
  private async orders(): Promise<BackfillStatus> {
    const name = 'restructure-orders';
    const { progress, watch } = await this.start(name, { batchSize: 500, concurrency: 2, ...rate(null) });
    await watch.percent(30);
    await this.backfills.pause(name, { by: 'demo', reason: 'the database is busy' });
    const before = await watch.forMs(1_000);
    progress.say(`Paused at ${grouped(before.rowsDone)} rows.`);
    const after = await watch.forMs(2_000);
    progress.say(`Resumed: ${grouped(after.rowsDone - before.rowsDone)} rows were done meanwhile.`);
    await this.backfills.resume(name, { by: 'demo' });
    return watch.toTheEnd();
  }

  private async accounts(): Promise<BackfillStatus> {
    const { watch } = await this.start('enrich-accounts', {
      batchSize: 200,
      concurrency: 2,
      rowConcurrency: 16,
      ...rate(null),
    });
    return watch.toTheEnd();
  }

  private async start(name: string, config: BackfillConfigPatch) {
    const progress = new Progress(process.stdout);
    await this.backfills.start(name, { config, startedBy: 'demo' });
    return { progress, watch: new Watch(this.backfills, name, progress, this.signal) };
  }
}

function rate(perSecond: number | null): BackfillConfigPatch {
  return { perSecondOnPeak: perSecond, perSecondOffPeak: perSecond };
}
