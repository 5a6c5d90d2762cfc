export { aclRules } from './acl-rules.js';
export * from './documents.js';
