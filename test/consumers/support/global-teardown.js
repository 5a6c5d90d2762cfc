import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import sharedTeardown from '../../support/jest/global-teardown.js';

export default async function globalTeardown(options) {
  const folders = [dirname(process.env.PACKED_LIBRARY), process.env.NODE_MAJORS_FOLDER];
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
  await sharedTeardown(options);
}
