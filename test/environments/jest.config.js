import { swcOptions } from '../support/swc/options.js';

export default {
  rootDir: '../..',
  displayName: 'environments',
  testMatch: ['<rootDir>/test/environments/**/*.spec.ts'],
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
  globalSetup: '<rootDir>/test/environments/support/global-setup.js',
  globalTeardown: '<rootDir>/test/environments/support/global-teardown.js',
  testEnvironment: '<rootDir>/test/support/jest/services.environment.js',
  // Each has three processes, which mostly wait.
  maxWorkers: 3,
  // The first environment of a kind downloads packages.
  testTimeout: 1_200_000,
};
