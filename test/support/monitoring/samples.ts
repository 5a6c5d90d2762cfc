/** One line of a scrape. */
export interface Sample {
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Parses the text format of Prometheus. */
export function parseSamples(text: string): Sample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, metric = '', labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      const pairs = labels.matchAll(/(\w+)="([^"]*)"/g);
      return {
        metric,
        labels: Object.fromEntries([...pairs].map(([, label = '', text = '']) => [label, text])),
        value: Number(value?.replace('Inf', 'Infinity')),
      };
    });
}

/** The sum of a metric over the samples that have these labels; `undefined` where there are none. */
export function sumOf(
  samples: readonly Sample[],
  wanted: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const values = samples
    .filter(({ metric }) => metric === wanted)
    .filter((sample) => Object.entries(labels).every(([label, text]) => sample.labels[label] === text))
    .map(({ value }) => value);
  return values.length === 0 ? undefined : values.reduce((all, one) => all + one, 0);
}
