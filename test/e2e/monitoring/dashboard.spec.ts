import { readFile } from 'node:fs/promises';
import { NonRetryableError } from 'nestjs-backfill';
import { parse as parseYaml } from 'yaml';
import { createAppBench, defineBackfill, numbers } from '../../support/apps/index.js';
import { parsePromQuery, parseSamples, startPrometheusExporter } from '../../support/monitoring/index.js';
import type { Sample } from '../../support/monitoring/index.js';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource: { readonly uid: string };
  readonly targets: readonly {
    readonly refId: string;
    readonly datasource: { readonly uid: string };
    readonly expr: string;
  }[];
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
  it('have a panel for each concern, a variable for the data source, and rules', () => {
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
      'BackfillStalled',
      'BackfillLate',
      'BackfillHeldForLong',
      'BackfillBudgetExhausted',
      'BackfillFailuresRising',
    ]);
  });

  it('are laid out in the 24 columns of Grafana, each panel and query with an id of its own', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)}:${y + Math.floor(i / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...dashboard.panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    expect(new Set(dashboard.panels.map(({ type }) => type))).toEqual(
      new Set(['state-timeline', 'timeseries']),
    );
    for (const { targets } of dashboard.panels) {
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
      expect(targets.map(({ datasource }) => datasource.uid)).toEqual(targets.map(() => '${datasource}'));
    }
  });

  it.each(['', 'sum(up', 'sum by (x', 'up{x="y}', 'up or', 'min_over_time(up[5m:1m]'])(
    'are read by a grammar that refuses %j',
    (query) => {
      expect(() => parsePromQuery(query)).toThrow(SyntaxError);
    },
  );

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
