/** As `test/support/swc/register.js`, but the package's own name leads to the release in `UPGRADE_RELEASE`. */
import { register } from 'node:module';

register('../../support/swc/hooks.js', import.meta.url, { data: { folder: process.env.UPGRADE_RELEASE } });
