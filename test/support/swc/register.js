/**
 * Lets plain Node run the repository's TypeScript: `node --import ./test/support/swc/register.js file.ts`.
 * The package's own name leads to `lib`, as it does in Jest.
 */
import { register } from 'node:module';

register('./hooks.js', import.meta.url);
