/** The primary key of an entity, as its declaration shows it. */
export interface PrimaryKey {
  /** Its properties, in order. */
  readonly names: readonly string[];
  /** `integer`: one `number` or `bigint`, which `idRange` can divide. `unknown`: the declaration does not show a type. */
  readonly type: 'integer' | 'other' | 'unknown';
}

interface KeyProperty {
  readonly name: string;
  readonly type: PrimaryKey['type'];
}

const DECORATED =
  /@(PrimaryKey|ManyToOne|OneToOne)\s*\(([^@]*?)\)\s*(?:(?:readonly|public)\s+)*(\w+)[!?]?\s*(?::\s*([^;=\n]+))?/g;
const BUILT = /(\w+)\s*:\s*(?:\(\)\s*=>\s*)?p\s*\.\s*(\w+)\s*\(([^)]*)\)/g;
const LISTED = /(\w+)\s*:\s*\{([^{}]*\bprimary\s*:\s*true[^{}]*)\}/g;

/** Builders and type names of MikroORM whose values are numbers or bigints. */
const INTEGERS = /^(?:number|int|integer|smallint|mediumint|tinyint|bigint)$/i;

/** The primary key that a declaration shows; `undefined` when it shows none. */
export function primaryKeyIn(declaration: string): PrimaryKey | undefined {
  const decorated = [...decoratedKeys(declaration)];
  const keys = decorated.length > 0 ? decorated : [...builtKeys(declaration), ...listedKeys(declaration)];
  const [first, second] = keys;
  if (first === undefined) {
    return undefined;
  }
  return { names: keys.map(({ name }) => name), type: second === undefined ? first.type : 'other' };
}

/** `@PrimaryKey() id!: number`, and relations that are part of the key. */
function* decoratedKeys(text: string): Generator<KeyProperty> {
  for (const [, decorator, options = '', name = '', type = ''] of text.matchAll(DECORATED)) {
    if (decorator === 'PrimaryKey') {
      const isInteger = /^(?:Opt<\s*)?(?:number|bigint)\b/.test(type.trim());
      yield { name, type: isInteger ? 'integer' : type === '' ? 'unknown' : 'other' };
    } else if (/\bprimary\s*:\s*true/.test(options)) {
      yield { name, type: 'other' };
    }
  }
}

/** `id: p.integer().primary()`. */
function* builtKeys(text: string): Generator<KeyProperty> {
  const properties = [...text.matchAll(BUILT)];
  for (const [at, { index, 1: name = '', 2: builder = '', 3: options = '' }] of properties.entries()) {
    if (/\.\s*primary\s*\(/.test(text.slice(index, properties[at + 1]?.index))) {
      // A bigint may be mapped as text.
      const isInteger = INTEGERS.test(builder) && !options.includes('string');
      yield { name, type: isInteger ? 'integer' : builder === 'type' ? 'unknown' : 'other' };
    }
  }
}

/** `id: { type: 'integer', primary: true }`. The class says whether a bigint is mapped as text. */
function* listedKeys(text: string): Generator<KeyProperty> {
  for (const [, name = '', options = ''] of text.matchAll(LISTED)) {
    const type = /\btype\s*:\s*(?:\(\)\s*=>\s*)?['"]?(\w+)/.exec(options)?.[1] ?? '';
    const isUnknown = type === '' || /^bigint$/i.test(type);
    yield { name, type: isUnknown ? 'unknown' : INTEGERS.test(type) ? 'integer' : 'other' };
  }
}
