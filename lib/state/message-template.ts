/** Stands for each varying part. */
const VARYING = '…';
/** More of a message tells no more of its kind, and bounds the time of the expressions below. */
const MAX_LENGTH = 1_000;
const MAX_TEMPLATE_LENGTH = 300;

/** A quoted word after one of these names a part of the schema or of the code, which tells kinds of errors apart. */
const NAMED =
  /(?:constraint|relation|column|table|index|key|type|schema|function|database|role|enum|operator|property|field|entity|module|reading|setting) ?$/i;

/** Values in the details of PostgreSQL, which may contain parentheses and quotes themselves. */
const DETAILS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/=\(.*\)(?= (?:already exists|is not present|is still referenced|conflicts with))/g, `=(${VARYING})`],
  [/(Failing row contains )\(.*\)/g, `$1(${VARYING})`],
];

// The first alternative that fits at a position is taken, so what is kept comes before the numbers in it.
const PARTS = new RegExp(
  [
    // Codes that tell kinds apart: an HTTP status, an SQLSTATE, a code of MongoDB or Oracle.
    /(?<code>\b(?:status(?: code)?|HTTP(?:\/\d(?:\.\d)?)?|SQLSTATE)[ :=]{1,2}[0-9A-Z]{3,5}\b|\bE\d{5}\b|\bORA-\d{5}\b)/,
    /(?<quoted>(?<![\w])(?:'(?:[^'\n]|'(?=\w))*'|"(?:[^"\\\n]|\\.)*"|`[^`\n]*`)(?!\w)|“[^”\n]*”|«[^»\n]*»)/,
    /(?<email>[\w.+-]+@[\w-]+\.[\w.-]+)/,
    /(?<query>(?<=\S)\?[\w%.~+-]+=[^\s"')]*)/,
    // `toString()` of a date, and dates and times of ISO 8601 or SQL.
    /(?<date>\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? (?:[A-Z][a-z]{2} \d{1,2}|\d{1,2} [A-Z][a-z]{2}) \d{4}(?: [\d:]+)?(?: (?:GMT|UTC)?(?:[+-]\d{4})?(?: \([^)]*\))?)?)/,
    /(?<iso>\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?Z| ?[+-]\d{2}(?::?\d{2})?)?)?)/,
    /(?<uuid>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b)/,
    /(?<hex>(?:\b0x|\\x)[0-9a-fA-F]+|\b(?=[a-fA-F]*\d)[0-9a-fA-F]{8,}\b)/,
    // Random tokens: letters of both cases with a digit.
    /(?<token>\b(?=[\w-]*\d)(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{10,}\b)/,
    /(?<number>(?<=^|[\s(=[{,:])-?\d+(?:[.,:_]\d+)*(?:[eE][+-]?\d+)?|\d+(?:[.,:_]\d+)*)/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
);

/** The same part again after a comma: lists of other lengths are the same kind. */
const REPEATED = /(…|['"`(]…['"`)])(?:, ?\1)+/g;

/**
 * An error message without its varying parts: numbers, ids, quoted values, hexadecimal strings, dates, and the values in
 * details of PostgreSQL. Messages of the same kind have the same template.
 */
export function messageTemplate(message: string): string {
  let text = message.slice(0, MAX_LENGTH);
  for (const [pattern, replacement] of DETAILS) {
    text = text.replace(pattern, replacement);
  }
  text = text
    .replace(PARTS, (part: string, ...rest: unknown[]) => {
      const groups = rest.at(-1) as Readonly<Record<string, string | undefined>>;
      const offset = rest.at(-3) as number;
      if (groups['code'] !== undefined) {
        return part;
      }
      if (groups['quoted'] !== undefined) {
        return quoted(part, text.slice(Math.max(0, offset - 12), offset), text.at(offset + part.length));
      }
      return groups['query'] === undefined ? VARYING : `?${VARYING}`;
    })
    .replace(/\s+/g, ' ')
    .replace(REPEATED, '$1')
    .trim();
  return text.length <= MAX_TEMPLATE_LENGTH ? text : `${text.slice(0, MAX_TEMPLATE_LENGTH)}${VARYING}`;
}

/** @param after the character that follows: a colon follows the name of a property in JSON */
function quoted(part: string, before: string, after: string | undefined): string {
  const isName = NAMED.test(before) || (after === ':' && part.startsWith('"'));
  return isName ? part : `${part[0]}${VARYING}${part.at(-1)}`;
}
