import { swcOptions } from '../support/swc/options.js';

export default {
  rootDir: '../..',
  displayName: 'consumers',
  testMatch: ['<rootDir>/test/consumers/**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': ['@swc/jest', swcOptions] },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': ['$1.js', '$1.ts'] },
  globalSetup: '<rootDir>/test/support/jest/global-setup.js',
  globalTeardown: '<rootDir>/test/support/jest/global-teardown.js',
  testEnvironment: '<rootDir>/test/support/jest/services.environment.js',
  // An installation waits for the network, and two of them for each other.
  testTimeout: 1_200_000,
};
