export { inspect } from './inspect.js';
export { chromiumPath, openBrowser } from './open-browser.js';
