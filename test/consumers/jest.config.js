import { swcOptions } from '../support/swc/options.js';

export default {
  rootDir: '../..',
  displayName: 'consumers',
  testMatch: ['<rootDir>/test/consumers/**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': ['@swc/jest', swcOptions] },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': ['$1.js', '$1.ts'] },
  globalSetup: '<rootDir>/test/consumers/support/global-setup.js',
  globalTeardown: '<rootDir>/test/consumers/support/global-teardown.js',
  testEnvironment: '<rootDir>/test/support/jest/services.environment.js',
  // Most of it is waiting for the network.
  maxWorkers: 2,
  // An installation waits for the network, and two of them for each other.
  testTimeout: 1_200_000,
};
