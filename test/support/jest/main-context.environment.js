import { AsyncLocalStorage } from 'node:async_hooks';
import { LegacyFakeTimers, ModernFakeTimers } from '@jest/fake-timers';
import { ModuleMocker } from 'jest-mock';
import './code-cache.js';
import './packages.js';
import { MAIN_CONTEXT } from './main-context.js';

const run = Reflect.get(AsyncLocalStorage.prototype, 'run');

/**
 * Runs test files in the context of the process, so that they share the packages that Node has loaded: in a context of its
 * own, a file would have classes such as `Date` of its own, too. The modules of the library and the tests are loaded anew for
 * each file. Restores the global object, the environment variables and the exit code after a file.
 *
 * Disables the instances of `AsyncLocalStorage` that the file entered: Node 20 keeps each of them, every promise of the
 * process pays for each, and every file loads the modules that have one anew.
 */
export default class MainContextEnvironment {
  global = globalThis;
  before = Object.getOwnPropertyDescriptors(globalThis);
  exit = Reflect.get(process, 'exit');
  env = { ...process.env };
  entered = new Set();

  constructor({ projectConfig: config }) {
    const { global } = this;
    this.moduleMocker = new ModuleMocker(global);
    this.fakeTimers = new LegacyFakeTimers({
      config,
      global,
      moduleMocker: this.moduleMocker,
      timerConfig: { idToRef: (id) => id, refToId: (timer) => timer },
    });
    this.fakeTimersModern = new ModernFakeTimers({ config, global });
    Error.stackTraceLimit = 100;
  }

  async setup() {
    const { entered } = this;
    AsyncLocalStorage.prototype.run = function (...args) {
      entered.add(this);
      return Reflect.apply(run, this, args);
    };
  }

  async teardown() {
    AsyncLocalStorage.prototype.run = run;
    this.entered.forEach((storage) => storage.disable());
    this.fakeTimers.dispose();
    this.fakeTimersModern.dispose();
    this.restoreGlobals();
    this.restoreProcess();
  }

  exportConditions() {
    return ['node', 'node-addons'];
  }

  getVmContext() {
    return MAIN_CONTEXT;
  }

  restoreGlobals() {
    for (const key of Reflect.ownKeys(globalThis)) {
      const descriptor = this.before[key];
      if (descriptor?.configurable) {
        Object.defineProperty(globalThis, key, descriptor);
      } else if (!descriptor && typeof key === 'symbol') {
        // State of Jest or of a test. What packages set has names, and stays, since the packages do.
        Reflect.deleteProperty(globalThis, key);
      }
    }
  }

  restoreProcess() {
    process.exit = this.exit;
    process.exitCode = undefined;
    for (const name of Object.keys(process.env)) {
      if (!(name in this.env)) {
        delete process.env[name];
      }
    }
    Object.assign(process.env, this.env);
  }
}
