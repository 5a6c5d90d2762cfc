import type { INestApplicationContext } from '@nestjs/common';
import { BackfillService } from 'nestjs-backfill';
import type { BackfillConfigPatch, BackfillStatus } from 'nestjs-backfill';
import { eventually } from '../../test/support/apps/eventually.js';
import { DirectoryServer } from '../src/directory-service/directory.server.js';

/** Starts the backfills, and has them get into the states that the pictures show. */
export async function bringAbout(app: INestApplicationContext): Promise<void> {
  const backfills = app.get(BackfillService);
  app.get(DirectoryServer, { strict: false }).latency = 40;
  const start = (name: string, startedBy: string, reason?: string, config: BackfillConfigPatch = {}) =>
    backfills.start(name, { startedBy, ...(reason === undefined ? {} : { reason }), config });
  const reach = (name: string, what: string, holds: (status: BackfillStatus) => boolean) =>
    eventually(`${name} to be ${what}`, () => backfills.status(name), holds, 120_000);

  await start('hash-phone-numbers', 'ben');
  await start('normalize-emails', 'ben', 'sign-in ignores case from now on');
  await start('number-invoices', 'dora', 'the new series');
  await start('fill-tax-ids', 'dora');
  await start('merge-contacts', 'carol');
  await start('geocode-addresses', 'ben');
  await start('resize-avatars', 'carol');
  await start('restructure-orders', 'ada', 'the app reads the nested form', rate(10));
  await start('enrich-accounts', 'ben', undefined, rate(0.5));
  await start('reencrypt-messages', 'ada', 'the key of 2021 retires', rate(4));

  await reach('resize-avatars', 'under way', ({ rowsDone }) => rowsDone > 1_000);
  await backfills.cancel('resize-avatars', { by: 'carol', reason: 'the new sizes are not agreed yet' });
  await reach('restructure-orders', 'half done', ({ percent }) => percent >= 50);
  await backfills.pause('restructure-orders', { by: 'carol', reason: 'nightly reports need the database' });
  await reach('number-invoices', 'failed', ({ state }) => state === 'failed');
  await reach('fill-tax-ids', 'paused', ({ state }) => state === 'paused');
  await reach('merge-contacts', 'held', ({ rate: { perSecond } }) => perSecond === 0);
  await reach(
    'geocode-addresses',
    'held',
    ({ rowsDone, rate: { perSecond } }) => rowsDone > 2_000 && perSecond === 0,
  );
  await reach('hash-phone-numbers', 'completed', ({ state }) => state === 'completed');
  await reach('normalize-emails', 'completed', ({ state }) => state === 'completed');
  await reach('reencrypt-messages', 'well under way', ({ percent }) => percent >= 40);
}

function rate(perSecond: number): BackfillConfigPatch {
  return { perSecondOnPeak: perSecond, perSecondOffPeak: perSecond };
}
