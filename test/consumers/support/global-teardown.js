import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import sharedTeardown from '../../support/jest/global-teardown.js';

export default async function globalTeardown(options) {
  await rm(dirname(process.env.PACKED_LIBRARY), { recursive: true });
  await sharedTeardown(options);
}
