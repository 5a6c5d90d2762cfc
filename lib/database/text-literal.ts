/** Text as a literal of PostgreSQL, as MikroORM writes it, which builds the same one character at a time. */
export function textLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', String.raw`\\`)}` : quoted;
}
