import { readDocument } from './documents.js';

/** The words of each `ACL SETUSER` in the guide, from the name of the user on. */
export async function aclRules(): Promise<Record<'server' | 'recent' | 'cluster', string[]>> {
  const guide = await readDocument('sample/guides/environments.md');
  const [server, recent, cluster] = Array.from(
    guide.matchAll(/^ACL SETUSER ([^`]+)```/gm),
    ([, words = '']) => words.trim().split(/\s+/),
  );
  if (!server || !recent || !cluster) {
    throw new Error(
      'Expected the guide to have the rules of a user, for a server, a recent one and a cluster',
    );
  }
  return { server, recent, cluster };
}
