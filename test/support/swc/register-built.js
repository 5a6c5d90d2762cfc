/**
 * As `register.js`, but the package's own name leads to what an app gets: `dist`, or the package that is installed in the
 * folder whose URL is in `BACKFILL_BUILD`.
 */
import { register } from 'node:module';

const { BACKFILL_BUILD: folder } = process.env;

register('./hooks.js', import.meta.url, { data: folder ? { folder } : { built: true } });
