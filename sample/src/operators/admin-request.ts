/** What the guards read and write of a request of Express or Fastify. */
export interface AdminRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The history names this person. */
  user?: { readonly name: string };
}
