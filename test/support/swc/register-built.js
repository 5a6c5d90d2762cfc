/** As `register.js`, but the package's own name leads to `dist`: what an app gets. */
import { register } from 'node:module';

register('./hooks.js', import.meta.url, { data: { built: true } });
