/** What is shown instead of a masked value. */
export const MASKED = '***';

/** Parts of names that look secret, compared without case, `_` and `-`. */
const SECRET_NAMES = [
  'password',
  'passwd',
  'passphrase',
  'secret',
  'token',
  'apikey',
  'accesskey',
  'privatekey',
  'encryptionkey',
  'credential',
  'authorization',
  'cookie',
  'salt',
  'pincode',
  'cvv',
  'cvc',
  'cardnumber',
  'iban',
  'ssn',
];

/** Tells which columns of a table are masked. */
export type ColumnMask = (column: string) => boolean;

/**
 * A mask of the columns whose name looks secret, and of those that are named.
 *
 * @param named columns or properties, in any case
 * @param propertyOf the property of a column
 */
export function columnMask(
  named: readonly string[],
  propertyOf: (column: string) => string | undefined,
): ColumnMask {
  const names = new Set(named.map((name) => name.toLowerCase()));
  return (column) => {
    const own = [column, propertyOf(column) ?? column].map((name) => name.toLowerCase());
    return own.some((name) => names.has(name) || looksSecret(name));
  };
}

function looksSecret(name: string): boolean {
  const plain = name.replaceAll(/[_-]/g, '');
  return SECRET_NAMES.some((secret) => (secret.length > 4 ? plain.includes(secret) : isWord(name, secret)));
}

/** A short part has to be a word of its own: `essn` is none. */
function isWord(name: string, word: string): boolean {
  return name.split(/[_-]/).includes(word);
}
