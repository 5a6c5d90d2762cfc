/** What `--against` names. */
export type Against =
  | { readonly kind: 'tarball'; readonly path: string }
  | { readonly kind: 'commit'; readonly revision: string };

export function parseAgainst(argument: string): Against {
  return argument.endsWith('.tgz')
    ? { kind: 'tarball', path: argument }
    : { kind: 'commit', revision: argument };
}
