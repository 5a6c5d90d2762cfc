import type { VerifyAnswer, VerifyContext } from '../config/verify-row.js';

/**
 * A handler of any shape that can also tell whether a row is as it should be, for the sample of a verification.
 *
 * @example
 * ```ts
 * @Backfill({ source: keyset(Message, { orderBy: { id: 'asc' }, where: { keyId: 1 } }), verify: true })
 * export class ReencryptMessages implements BatchHandler<Message>, RowVerifier<Message> {
 *   constructor(private readonly cipher: MessageCipher) {}
 *
 *   processBatch(messages: Message[]) {
 *     messages.forEach((message) => this.cipher.reencrypt(message));
 *   }
 *
 *   verifyRow(message: Message) {
 *     return this.cipher.canDecrypt(message) || `cannot be decrypted with key ${message.keyId}`;
 *   }
 * }
 * ```
 *
 * @publicApi
 */
export interface RowVerifier<TRow, TParams = unknown> {
  /**
   * Checks a row that the run has processed, and that is read again whether or not it still matches the source. It must
   * not change anything: what it changes is not flushed. An error that it throws counts as a mismatch, unless the database
   * is unreachable.
   */
  verifyRow(row: TRow, context: VerifyContext<TParams>): Promise<VerifyAnswer> | VerifyAnswer;
}
