/**
 * How much a test does that proves more the longer it runs, such as a test of random inputs: `npm test` takes the quick
 * size, `npm run test:thorough` the full one.
 */
export function sized(quick: number, full: number): number {
  return process.env['TEST_SIZE'] === 'full' ? full : quick;
}
