import sharedSetup from '../../support/jest/global-setup.js';

/** Packs the library once for all files: two builds at a time would write to the same folder. Installs other majors of Node. */
export default async function globalSetup() {
  const { packLibrary } = await import('./tarball.ts');
  const { installNodeMajors } = await import('./node-majors.ts');
  [process.env.PACKED_LIBRARY] = await Promise.all([packLibrary(), installNodeMajors()]);
  await sharedSetup();
}
