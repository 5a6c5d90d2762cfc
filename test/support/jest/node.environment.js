import './code-cache.js';

export { TestEnvironment as default } from 'jest-environment-node';
