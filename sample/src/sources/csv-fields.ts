const FIELD = /(?:"((?:[^"]|"")*)"|([^,]*))(,|$)/gy;

/** The fields of one record, as RFC 4180 writes them. */
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
