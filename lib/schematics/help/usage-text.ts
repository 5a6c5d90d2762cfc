/** Fields used of `collection.json`. */
export interface Collection {
  readonly schematics: Readonly<
    Record<
      string,
      {
        readonly description: string;
        readonly schema?: string;
        readonly usage?: string;
        readonly private?: boolean;
      }
    >
  >;
}

/** Fields used of the `schema.json` of a schematic. */
export interface OptionSchema {
  readonly properties: Readonly<
    Record<string, { readonly type: string; readonly description: string; readonly enum?: readonly string[] }>
  >;
}

/** Renders all schematics and their options from the schemas that validate the options. */
export function usageText(collection: Collection, schemaAt: (path: string) => OptionSchema): string {
  return Object.values(collection.schematics)
    .filter((schematic) => schematic.private !== true)
    .map(({ description, schema, usage = '' }) => {
      const options = schema === undefined ? '' : `\n${optionLines(schemaAt(schema)).join('\n')}\n`;
      return `${usage}\n  ${description}\n${options}`;
    })
    .join('\n')
    .trimEnd();
}

function optionLines({ properties }: OptionSchema): string[] {
  const options = Object.entries(properties).map(([name, { type, description, enum: values }]) => ({
    flag: `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}${type === 'boolean' ? '' : ` <${values?.join('|') ?? type}>`}`,
    description,
  }));
  const width = Math.max(...options.map(({ flag }) => flag.length));
  return options.map(({ flag, description }) => `    ${flag.padEnd(width)}  ${description}`);
}
