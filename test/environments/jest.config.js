import { shared } from '../../.jest.config.js';

export default {
  ...shared,
  displayName: 'environments',
  testMatch: ['<rootDir>/test/environments/**/*.spec.ts'],
  globalSetup: '<rootDir>/test/environments/support/global-setup.js',
  globalTeardown: '<rootDir>/test/environments/support/global-teardown.js',
  testEnvironment: '<rootDir>/test/support/jest/services.environment.js',
  // Each has three processes, which mostly wait.
  maxWorkers: 3,
  // The first environment of a kind downloads packages.
  testTimeout: 1_200_000,
};
