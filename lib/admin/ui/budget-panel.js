import { html, useState } from './preact.min.js';
import { BudgetDialog } from './budget-dialog.js';
import { budget } from './budget-source.js';
import { labelOf, limitTexts } from './budget-values.js';
import { Button } from './button.js';
import { compact, counted, isRunning, rate } from './format.js';
import { Panel } from './panel.js';
import { nameHash } from './router.js';
import { useStore } from './store.js';
import { Table } from './table.js';

/** The budget that all runs share: its limits, what is used of it, and by which runs. Without limits: a button that sets some. */
export function BudgetPanel({ statuses }) {
  const [isAsked, setAsked] = useState(false);
  const current = useStore(budget);
  if (current === undefined) return null;
  const texts = limitTexts(current.limits);
  const dialog = isAsked && html`<${BudgetDialog} budget=${current} onClose=${() => setAsked(false)} />`;
  if (texts.length === 0) {
    return html`<div class="budget actions">
      <${Button} onClick=${() => setAsked(true)}>Set a budget for all backfills…<//>
      ${dialog}
    </div>`;
  }
  return html`<div class="budget"><${Panel} title="Budget of all backfills">
    <div class="budget-line">
      <p><strong><bdi>${texts.join(', ')}</bdi></strong>${contextText(current.context)}</p>
      <${Button} onClick=${() => setAsked(true)}>Change the budget…<//>
    </div>
    <p class="quiet">${usedText(current, statuses)}</p>
    <${RunsOfBudget} runs=${current.runs} />
    ${dialog}
  <//></div>`;
}

function RunsOfBudget({ runs }) {
  if (runs.length === 0) return null;
  const rows = runs.map(({ runId, backfill, weight, share, ranges, waitsFor }) => ({
    key: runId,
    cells: [
      html`<a href=${nameHash(backfill)}><bdi>${backfill}</bdi></a>`,
      String(weight),
      `${Number((100 * share).toPrecision(3))} %`,
      compact(ranges),
      html`<bdi>${waitsFor === null ? '–' : labelOf(waitsFor)}</bdi>`,
    ],
  }));
  return html`<${Table}
    caption="Runs that share the budget"
    headings=${['Backfill', 'Weight', 'Share', 'Ranges in process', 'Waits for']}
    rows=${rows}
  />`;
}

function usedText({ limits, ranges, runs }, statuses) {
  if (runs.length === 0) return 'No run uses it now.';
  const ids = new Set(runs.map(({ runId }) => runId));
  const speed = statuses
    .filter(({ runId, state }) => ids.has(runId) && isRunning(state))
    .reduce((sum, { rowsPerSecond }) => sum + (rowsPerSecond ?? 0), 0);
  const waiting = runs.filter((run) => run.waiting).length;
  const waits =
    waiting === 0 ? 'none waits for it' : `${waiting} of them ${waiting === 1 ? 'waits' : 'wait'} for it`;
  // The service counts them only where a limit of ranges is in force; the limits of calls are an object.
  const inProcess = Object.values(limits).some((limit) => typeof limit === 'number')
    ? `${counted(ranges, 'range')} in process, `
    : '';
  return `In use: ${inProcess}${rate(speed)} rows/s. ${counted(runs.length, 'run')} with a part of it, ${waits}.`;
}

/** Each of several databases has a budget of its own. */
const contextText = (context) =>
  context === 'default' ? null : html`<span class="quiet"> of the context <bdi>${context}</bdi></span>`;
