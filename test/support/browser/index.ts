export { inspect } from './inspect.js';
export { LOOKS, type Look } from './looks.js';
export { chromiumPath, openBrowser } from './open-browser.js';
