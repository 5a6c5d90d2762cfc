/** What is read of a collection of schematics. */
export interface Collection {
  readonly schematics: Readonly<
    Record<string, { readonly description: string; readonly schema?: string; readonly usage?: string }>
  >;
}

/** What is read of the schema of a schematic's options. */
export interface OptionSchema {
  readonly properties: Readonly<
    Record<string, { readonly type: string; readonly description: string; readonly enum?: readonly string[] }>
  >;
}

/** Every schematic with its options, from the files that the runner checks them by. */
export function usageText(collection: Collection, schemaAt: (path: string) => OptionSchema): string {
  return Object.values(collection.schematics)
    .map(({ description, schema, usage = '' }) => {
      const options = schema === undefined ? '' : `\n${optionLines(schemaAt(schema)).join('\n')}\n`;
      return `${usage}\n  ${description}\n${options}`;
    })
    .join('\n')
    .trimEnd();
}

function optionLines({ properties }: OptionSchema): string[] {
  const options = Object.entries(properties).map(([name, { type, description, enum: words }]) => ({
    flag: `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}${type === 'boolean' ? '' : ` <${words?.join('|') ?? type}>`}`,
    description,
  }));
  const width = Math.max(...options.map(({ flag }) => flag.length));
  return options.map(({ flag, description }) => `    ${flag.padEnd(width)}  ${description}`);
}
