import { readDocument } from './documents.js';

/** The words of `ACL SETUSER` in the guide, from the name of the user on. */
export async function aclRules(): Promise<string[]> {
  const guide = await readDocument('sample/guides/environments.md');
  const [, words] = /^ACL SETUSER ([^`]+)```/m.exec(guide) ?? [];
  if (words === undefined) {
    throw new Error('Expected the guide to have the rules of a user, got none');
  }
  return words.trim().split(/\s+/);
}
