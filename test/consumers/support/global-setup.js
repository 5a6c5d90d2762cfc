import sharedSetup from '../../support/jest/global-setup.js';

/** Packs the library once for all files: two builds at a time would write to the same folder. */
export default async function globalSetup() {
  const { packLibrary } = await import('./tarball.ts');
  process.env.PACKED_LIBRARY = await packLibrary();
  await sharedSetup();
}
