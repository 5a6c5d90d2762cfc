/** Path of the one field of all parameters, where there is no JSON Schema that a form can be made of. */
export const WHOLE = 'params';

/**
 * The fields that a form has for parameters of a JSON Schema: their paths, their kinds, and what the schema says of them. One
 * field of JSON where it is no object with known properties.
 */
export function fieldsOf(schema) {
  const properties = Object.entries(schema?.properties ?? {});
  if (schema?.type !== 'object' || properties.length === 0) {
    return [{ path: WHOLE, kind: 'json', label: 'Parameters', hint: 'JSON, such as {"keyId": "k2"}' }];
  }
  const required = new Set(schema.required ?? []);
  return properties.map(([key, property]) => {
    const resolved = resolve(property, schema);
    const { title, description, default: standard, enum: choices } = resolved;
    const isRequired = required.has(key) && standard === undefined;
    return {
      key,
      path: `${WHOLE}.${key}`,
      kind: kindOf(resolved),
      label: title ?? key,
      hint: [description, isRequired && 'Required'].filter(Boolean).join('. '),
      isRequired,
      choices,
      standard: standard === undefined ? undefined : JSON.stringify(standard),
    };
  });
}

/**
 * The parameters of the texts of a form by their paths; those without a text are left out. Throws an error with the
 * `fields` that cannot be read.
 */
export function paramsOf(fields, texts) {
  const wrong = [];
  const entries = fields.flatMap((field) => {
    const text = texts[field.path] ?? '';
    if (field.kind === 'text' || field.kind === 'password' ? text === '' : text.trim() === '') return [];
    try {
      return [[field.key, valueOf(field, text)]];
    } catch {
      wrong.push({ field: field.path, expected: EXPECTED[field.kind] });
      return [];
    }
  });
  if (wrong.length > 0) throw Object.assign(new Error('Not valid'), { fields: wrong });
  return fields[0].path === WHOLE ? entries[0]?.[1] : Object.fromEntries(entries);
}

const EXPECTED = {
  json: 'JSON',
  number: 'a number',
  time: 'a date and a time',
  choice: 'one of the choices',
};

function valueOf({ kind }, text) {
  switch (kind) {
    case 'number': {
      const value = Number(text);
      if (Number.isNaN(value)) throw new TypeError('Not a number');
      return value;
    }
    case 'time':
      return new Date(text).toISOString();
    case 'json':
    case 'choice':
      return JSON.parse(text);
    default:
      return text;
  }
}

function kindOf({ type, enum: choices, format, writeOnly, secret }) {
  if (Array.isArray(choices) || type === 'boolean') return 'choice';
  if (type === 'integer' || type === 'number') return 'number';
  if (type !== 'string') return 'json';
  if (format === 'password' || writeOnly === true || secret === true) return 'password';
  return format === 'date-time' ? 'time' : 'text';
}

/** A property with what it refers to within its document. */
function resolve(property, root) {
  const path = /^#\/(.+)$/.exec(property.$ref ?? '')?.[1];
  const target = path?.split('/').reduce((at, part) => at?.[part], root);
  return target ? { ...target, ...property } : property;
}
