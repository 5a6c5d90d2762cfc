import { TEST_MS } from './test/support/deadlines.js';
import { swcOptions } from './test/support/swc/options.js';

/** What the tests have in common that compile the library from its sources. */
export const shared = {
  rootDir: import.meta.dirname,
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', swcOptions],
    '/node_modules/.*\\.[cm]?js$': '<rootDir>/test/support/jest/package.transform.js',
  },
  transformIgnorePatterns: ['<rootDir>/dist/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/sample/dist/', '<rootDir>/test/consumers/'],
  moduleNameMapper: {
    '^nestjs-backfill$': '<rootDir>/lib/index.ts',
    '^nestjs-backfill/(cli|migrations|testing)$': '<rootDir>/lib/$1/index.ts',
    '^(\\.{1,2}/.*)\\.js$': ['$1.js', '$1.ts'],
  },
  setupFiles: ['reflect-metadata'],
};

const withServices = {
  globalSetup: '<rootDir>/test/support/jest/global-setup.js',
  globalTeardown: '<rootDir>/test/support/jest/global-teardown.js',
  testEnvironment: '<rootDir>/test/support/jest/services.environment.js',
};

const project = (name, extra = {}) => ({
  ...shared,
  displayName: name,
  testMatch: [`<rootDir>/test/${name}/**/*.spec.ts`],
  ...extra,
});

export default {
  testTimeout: TEST_MS,
  // More than cores: most files wait for most of their time.
  maxWorkers: 4,
  projects: [
    project('unit', { testEnvironment: '<rootDir>/test/support/jest/main-context.environment.js' }),
    project('integration', withServices),
    project('e2e', withServices),
    project('processes', withServices),
    project('outages', withServices),
    project('thorough', withServices),
  ],
};
