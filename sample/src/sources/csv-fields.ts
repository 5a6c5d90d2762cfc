const FIELD = /(?:"((?:[^"]|"")*)"|([^,]*))(,|$)/gy;

/** Parses the fields of one CSV record (RFC 4180). */
export function csvFields(record: string): string[] {
  const fields: string[] = [];
  for (const [, quoted, plain = '', delimiter] of record.replace(/\r?\n$/, '').matchAll(FIELD)) {
    fields.push(quoted?.replaceAll('""', '"') ?? plain);
    if (delimiter === '') {
      break;
    }
  }
  return fields;
}
