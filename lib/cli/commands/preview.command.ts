import { countOf } from '../../errors/count-of.js';
import type { Command } from 'commander';
import { parseConfigPatch } from '../../config/parse-config-patch.js';
import type { BackfillPreview, PreviewRange } from '../../planning/backfill-preview.js';
import type { CliSession } from '../cli-session.js';
import { forecastLines } from '../output/forecast-view.js';
import type { Style } from '../output/style.js';
import { table } from '../output/table.js';
import { formatTime } from '../output/time.js';
import { parseAssignments, parseBound, wholeNumber } from '../parse-assignments.js';
import type { ParamsFlags } from '../parse-params.js';
import { PARAM_HELP, PARAMS_FILE_HELP, paramsOf } from './params-options.js';

interface PreviewFlags extends ParamsFlags {
  readonly from?: unknown;
  readonly to?: unknown;
  readonly at?: string;
  readonly limit?: number;
  readonly set?: readonly string[];
}

export function addPreviewCommand(program: Command, session: CliSession): void {
  program
    .command('preview')
    .description('print the planned ranges and the estimated end of a run without starting it')
    .argument('<name>')
    .option(
      '--from <key>',
      'key of the first row, inclusive: an id, text, or JSON of the key columns',
      parseBound,
    )
    .option('--to <key>', 'key of the last row, inclusive', parseBound)
    .option('--at <time>', 'start time of the run (default: now)')
    .option('--limit <ranges>', 'maximum number of ranges', wholeNumber('--limit', 1))
    .option('--set <key=value...>', 'config values to assume, such as perSecondOnPeak=4')
    .option('--param <key=value...>', PARAM_HELP)
    .option('--params-file <path>', PARAMS_FILE_HELP)
    .action(async (name: string, { set, param, paramsFile, ...options }: PreviewFlags) => {
      const config = parseConfigPatch(parseAssignments(set ?? []), {
        backfill: name,
        origin: 'start',
      });
      const service = await session.service();
      const params = await paramsOf(service, name, { param, paramsFile });
      const preview = await service.preview(name, {
        ...options,
        config,
        ...(params === undefined ? {} : { params }),
      });
      session.printer.print(preview, previewText);
    });
}

function previewText(preview: BackfillPreview, style: Style): string {
  const about = preview.rowsTotalKind === 'exact' ? '' : 'about ';
  return [
    table(
      ['range', 'from', 'to', 'runs at'],
      preview.ranges.map((range) => [range.index, ...ends(range), formatTime(range.runAt)]),
      style,
    ),
    `${countOf(preview.total, 'range')}, ${about}${countOf(preview.rowsTotal, 'row')}; ` +
      `estimated end ${preview.estimatedEnd === null ? 'unknown' : formatTime(preview.estimatedEnd)}`,
    ...(preview.databases ?? []).map(
      ({ backfill, total, rowsTotal, rowsTotalKind }) =>
        `  ${backfill}: ${countOf(total, 'range')}, ${rowsTotalKind === 'exact' ? '' : 'about '}${countOf(rowsTotal, 'row')}`,
    ),
    ...(preview.forecast === null ? [] : forecastLines(preview.forecast)),
    ...preview.warnings.map(({ message }) => style('yellow', `warning: ${message}`)),
  ].join('\n');
}

function ends({ partition, begin, end, first, last }: PreviewRange): [string, string] {
  const shown = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value ?? null));
  const prefix = partition === undefined ? '' : `${partition}: `;
  return [prefix + shown(begin ?? first), shown(end ?? last)];
}
