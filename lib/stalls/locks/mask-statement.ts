const MOST = 300;
/** More of a statement tells no more of its kind. */
const MOST_READ = 4_000;

/** Of PostgreSQL, where comments may have others within. */
const COMMENT = /(?<comment>\/\*(?:\/\*[\s\S]*?\*\/|(?!\*\/)[\s\S])*(?:\*\/|$)|--[^\n]*)/;
/** `#` begins a comment, and `--` only before a space: `5--1` is a difference, and what follows it no comment. */
const MYSQL_COMMENT = /(?<comment>\/\*[\s\S]*?(?:\*\/|$)|--(?=\s|$)[^\n]*|#[^\n]*)/;
/** Each may be cut off by the server. Strings of PostgreSQL have escapes where an `E` precedes them. */
const ESCAPED = /\b[Ee]'(?:[^'\\]|''|\\[\s\S])*(?:'|$)/;
const DOLLAR_QUOTED = /\$(?<tag>[A-Za-z_]\w*)?\$[\s\S]*?(?:\$\k<tag>\$|$)/;
const STANDARD = /(?:\b[BbXxNn])?'(?:[^']|'')*(?:'|$)/;
const MYSQL_STRING = /'(?:[^'\\]|''|\\[\s\S])*(?:'|$)|"(?:[^"\\]|""|\\[\s\S])*(?:"|$)/;
const NUMBER = /(?<![\w$])-?\d[\w.]*/;
/** Names between quotes stay. */
const NAME = /(?<name>"(?:[^"]|"")*(?:"|$)|`[^`]*(?:`|$))/;

const PARTS = {
  postgres: union(COMMENT, NAME, ESCAPED, DOLLAR_QUOTED, STANDARD, NUMBER),
  mysql: union(MYSQL_COMMENT, MYSQL_STRING, NAME, NUMBER),
};

/** A statement without its values and comments, shortened. A question mark stands for each value. */
export function maskStatement(sql: string, dialect: keyof typeof PARTS): string {
  const masked = sql
    .slice(0, MOST_READ)
    .replace(PARTS[dialect], (...match) => {
      const { comment, name } = match.at(-1) as { comment?: string; name?: string };
      return comment === undefined ? (name ?? '?') : ' ';
    })
    .replace(/\s+/g, ' ')
    .trim();
  return masked.length > MOST ? `${masked.slice(0, MOST - 1)}…` : masked;
}

function union(...parts: readonly RegExp[]): RegExp {
  return new RegExp(parts.map(({ source }) => source).join('|'), 'g');
}
