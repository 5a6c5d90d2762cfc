import { register } from 'node:module';

// For `node --import`: an app that has none of the optional peers, wherever it is imported from.
register('./refuse-peers.hooks.js', import.meta.url, { data: process.env.BUILT_PACKAGE });
