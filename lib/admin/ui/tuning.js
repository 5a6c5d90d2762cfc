import { change, has, read } from './api.js';
import { button, el, withErrorToast, onChange, setText, toast } from './dom.js';
import { field } from './dialogs.js';
import { counted, untilText } from './format.js';
import { changeLine } from './history.js';

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const LABELS = {
  perSecondOnPeak: ['Ranges/s on peak', 'Empty: unpaced; 0: starts none'],
  perSecondOffPeak: ['Ranges/s off peak', 'Empty: unpaced; 0: starts none'],
  batchSize: ['Batch size', 'Rows per range'],
  concurrency: ['Concurrency', 'Concurrent ranges per process'],
  rowConcurrency: ['Row concurrency', 'Concurrent rows per range'],
  attempts: ['Attempts', 'Of a range or row before it counts as failed'],
  maxFailures: ['Max failures', 'A number or a percentage; empty: no limit'],
  maxInitialFailures: ['Max initial failures', 'Ranges that fail before any succeeds; empty: no limit'],
  onPeakTimezone: ['Peak time zone'],
  onPeakWdayBegin: ['Peak from'],
  onPeakWdayEnd: ['Peak to'],
  onPeakHourBegin: ['First peak hour'],
  onPeakHourEnd: ['Last peak hour'],
  duration: ['Planned ahead', 'Seconds of work'],
  maxOutstanding: ['Max outstanding', 'Ranges planned and not done'],
  backoffMs: ['Backoff', 'Milliseconds before the second attempt'],
};
/** Fields that are not behind the disclosure. */
const BASIC_FIELDS = 5;

/** A form for the config that shows the changes before they are applied. */
export function tuningForm(url, changed) {
  const review = el('div.review', { 'aria-live': 'polite' });
  const basic = el('div.fields', {});
  const more = el('div.fields', {});
  const reason = el('input', { type: 'text', maxlength: 500, autocomplete: 'off' });
  const form = el(
    'form.tuning',
    { novalidate: true, autocomplete: 'off' },
    basic,
    el('details', {}, el('summary', {}, 'Peak hours and other settings'), more),
    el('div.actions', {}, el('button.primary', { type: 'submit' }, 'Review changes')),
    review,
  );
  const inputs = new Map();
  let current;

  const build = (config) => {
    const keys = [...Object.keys(LABELS), ...Object.keys(config).filter((key) => !(key in LABELS))];
    keys
      .filter((key) => key in config)
      .forEach((key, index) => {
        const input = inputFor(key, config[key]);
        inputs.set(key, input);
        (index < BASIC_FIELDS ? basic : more).append(field(LABELS[key]?.[0] ?? key, input, LABELS[key]?.[1]));
      });
  };
  const patch = () => {
    const entries = [...inputs].map(([key, input]) => [key, valueOf(input)]);
    return Object.fromEntries(
      entries.filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(current.config[key] ?? null)),
    );
  };
  const fill = (config) => {
    for (const [key, input] of inputs) input.value = textOf(config[key]);
  };
  const apply = async () => {
    const body = { ...patch(), ...(reason.value.trim() ? { reason: reason.value.trim() } : {}) };
    try {
      current = await change('PATCH', `${url}/config`, body, { 'if-match': `"${current.version}"` });
      toast('The new config is in force');
    } catch (error) {
      if (error.status !== 412) throw error;
      toast('The config was changed by somebody else in the meantime. Please review it again.', 'error');
      current = await read(`${url}/config`, has('config'));
    }
    reason.value = '';
    review.replaceChildren();
    fill(current.config);
    changed();
  };
  const show = async () => {
    const changes = patch();
    const keys = Object.keys(changes);
    if (keys.length === 0) {
      review.replaceChildren(el('p.quiet', {}, 'No changes: these values are in force.'));
      return;
    }
    const effect = el('p.quiet', {});
    review.replaceChildren(
      el('h4', {}, 'Changes'),
      el('ul.changes', {}, ...keys.map((key) => changeLine(key, current.config[key], changes[key]))),
      effect,
      field('Reason (kept in the history)', reason),
      el('div.actions', {}, button('Discard', discard), button('Apply', apply, { kind: 'primary' })),
    );
    setText(effect, await effectOf(url, changes));
  };
  const discard = () => {
    review.replaceChildren();
    fill(current.config);
  };
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('submit', withErrorToast(show));
  const update = onChange((next) => {
    const isFirst = current === undefined;
    const isEdited = !isFirst && Object.keys(patch()).length > 0;
    if (isFirst) build(next.config);
    // Edits are kept: applying them is rejected with 412, since they are based on an older version.
    if (isFirst || !isEdited) {
      current = next;
      fill(next.config);
    }
  });
  return { node: form, update };
}

async function effectOf(url, changes) {
  const previewWith = (config) =>
    read(`${url}/preview?${new URLSearchParams({ limit: '1', ...config })}`, has('ranges'));
  const [before, after] = await Promise.all([
    previewWith({}),
    previewWith({ config: JSON.stringify(changes) }),
  ]);
  const text = ({ total, estimatedEnd }) =>
    `${counted(total, 'range')}, ${estimatedEnd ? untilText(estimatedEnd) : 'no estimated end'}`;
  return `A run over the whole table: ${text(before)} now; ${text(after)} with these changes.`;
}

function inputFor(key, value) {
  if (/Wday/.test(key))
    return el('select', {}, ...DAYS.map((day, index) => el('option', { value: index }, day)));
  const numeric = typeof value === 'number' || key.startsWith('perSecond');
  const input = el('input', { type: 'text', inputmode: numeric ? 'decimal' : 'text', spellcheck: 'false' });
  if (key === 'onPeakTimezone') input.dataset.text = '';
  return input;
}

function textOf(value) {
  return value === null || value === undefined
    ? ''
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);
}

/** The input as `null`, a JSON object, a number or a string; the server validates it. */
function valueOf(input) {
  const text = input.value.trim();
  if (text === '') return null;
  if (input.dataset.text !== undefined) return text;
  if (text.startsWith('{')) return JSON.parse(text);
  return Number.isNaN(Number(text)) ? text : Number(text);
}
