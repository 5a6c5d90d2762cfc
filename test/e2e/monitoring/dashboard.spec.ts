import { readFile } from 'node:fs/promises';
import { NonRetryableError } from 'nestjs-backfill';
import { createAppBench, defineBackfill, numbers } from '../../support/apps/index.js';
import {
  parsePromQuery,
  parseSamples,
  parseYaml,
  startPrometheusExporter,
} from '../../support/monitoring/index.js';
import type { Sample } from '../../support/monitoring/index.js';

interface Panel {
  readonly title: string;
  readonly datasource: { readonly uid: string };
  readonly targets: readonly { readonly expr: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
}

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string }[];
  }[];
}

const file = (name: string) =>
  readFile(new URL(`../../../sample/monitoring/${name}`, import.meta.url), 'utf8');
const dashboard = JSON.parse(await file('dashboard.json')) as Dashboard;
const rules = (parseYaml(await file('alerts.yaml')) as Rules).groups.flatMap((group) => group.rules);
const queries: [name: string, expression: string][] = [
  ...dashboard.panels.flatMap(({ title, targets }) =>
    targets.map(({ expr }): [string, string] => [`panel ${title}`, expr]),
  ),
  ...rules.map(({ alert, expr }): [string, string] => [`alert ${alert}`, expr]),
];

const bench = await createAppBench();
let samples: Sample[];

beforeAll(async () => {
  const endpoint = await startPrometheusExporter();
  const handler = defineBackfill({
    name: 'count',
    source: numbers(20),
    config: { perSecondOnPeak: null, perSecondOffPeak: null, batchSize: 5, attempts: 1 },
    processRow: ({ id }: { id: number }) => {
      if (id === 7) {
        throw new NonRetryableError('seven');
      }
    },
  });
  const app = await bench.start({ handlers: [handler] });
  await app.backfills.start('count');
  await app.finished('count');
  samples = parseSamples(await endpoint.scrape());
  await app.close();
  await endpoint.close();
});

describe('The dashboard and the alert rules of the sample', () => {
  it('have a panel for each concern, a variable for the data source, and three rules', () => {
    expect(dashboard.panels.map(({ title }) => title)).toEqual([
      'State',
      'Progress',
      'Rows',
      'Rows per second',
      'Ranges per second',
      'Failures',
      'Duration of a range',
      'Throttle pressure',
      'Workers',
      'Outstanding',
    ]);
    expect(new Set(dashboard.panels.map(({ datasource }) => datasource.uid))).toEqual(
      new Set(['${datasource}']),
    );
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['datasource', 'backfill']);
    expect(rules.map(({ alert }) => alert)).toEqual([
      'BackfillFailedOrPausedItself',
      'BackfillNoProgress',
      'BackfillFailuresRising',
    ]);
  });

  it.each(queries)('%s reads metrics and labels that a scrape has: %s', (_, expression) => {
    const { metrics, labels } = parsePromQuery(expression);
    expect(metrics).not.toEqual([]);
    const found = samples.filter(({ metric }) => metrics.includes(metric));
    expect([...new Set(found.map(({ metric }) => metric))].toSorted()).toEqual(metrics.toSorted());
    for (const { label, value } of labels) {
      const values = found.flatMap((sample) => sample.labels[label] ?? []);
      expect([label, values.length > 0]).toEqual([label, true]);
      if (value !== null) {
        expect(values).toContain(value);
      }
    }
  });

  it('offer the backfills that the metrics name', () => {
    const [, metric, label = ''] =
      /^label_values\((\w+), (\w+)\)$/.exec(dashboard.templating.list[1]?.definition ?? '') ?? [];
    expect(samples.filter((sample) => sample.metric === metric).map(({ labels }) => labels[label])).toContain(
      'count',
    );
  });
});
