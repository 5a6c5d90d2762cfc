/** What a parent asks of a process. */
export interface RemoteCall {
  readonly id: number;
  readonly call: string;
  readonly args: readonly unknown[];
}

/** What a process says to its parent. */
export type RemoteReport =
  | { readonly ready: true }
  | { readonly log: string }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly name: string; readonly message: string } };
