import { change, has, read } from './api.js';
import { button, el, guarded, onChange, setText, toast } from './dom.js';
import { field } from './dialogs.js';
import { untilText } from './format.js';
import { changeLine } from './history.js';

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const LABELS = {
  perSecondOnPeak: ['Ranges/s on peak', 'Empty is unpaced, 0 holds'],
  perSecondOffPeak: ['Ranges/s off peak', 'Empty is unpaced, 0 holds'],
  batchSize: ['Batch size', 'Rows in a range'],
  concurrency: ['Concurrency', 'Ranges at once in a process'],
  rowConcurrency: ['Row concurrency', 'Rows at once in a range'],
  attempts: ['Attempts', 'Before it counts as failed'],
  maxFailures: ['Most failures', 'A number or a percentage; empty is no limit'],
  onPeakTimezone: ['Peak time zone'],
  onPeakWdayBegin: ['Peak from'],
  onPeakWdayEnd: ['Peak to'],
  onPeakHourBegin: ['First peak hour'],
  onPeakHourEnd: ['Last peak hour'],
  duration: ['Planned ahead', 'Seconds of work'],
  maxOutstanding: ['Most outstanding', 'Ranges planned at most'],
  backoffMs: ['Backoff', 'Milliseconds before the second try'],
};
const FIRST = 5;

/** Tunes the config: what will change is shown before it is applied. */
export function tuningForm(url, changed) {
  const review = el('div.review', { 'aria-live': 'polite' });
  const basic = el('div.fields', {});
  const more = el('div.fields', {});
  const reason = el('input', { type: 'text', maxlength: 500, autocomplete: 'off' });
  const form = el(
    'form.tuning',
    { novalidate: true, autocomplete: 'off' },
    basic,
    el('details', {}, el('summary', {}, 'Peak hours and the rest'), more),
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
        (index < FIRST ? basic : more).append(field(LABELS[key]?.[0] ?? key, input, LABELS[key]?.[1]));
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
    const wanted = { ...patch(), ...(reason.value.trim() ? { reason: reason.value.trim() } : {}) };
    try {
      current = await change('PATCH', `${url}/config`, wanted, { 'if-match': `"${current.version}"` });
      toast('The new config is in force');
    } catch (error) {
      if (error.status !== 412) throw error;
      toast('Somebody else changed the config meanwhile. Look at it again.', 'error');
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
      review.replaceChildren(el('p.quiet', {}, 'Nothing differs from what is in force.'));
      return;
    }
    const effect = el('p.quiet', {});
    review.replaceChildren(
      el('h4', {}, 'What will change'),
      el('ul.changes', {}, ...keys.map((key) => changeLine(key, current.config[key], changes[key]))),
      effect,
      field('Why (kept in the history)', reason),
      el('div.actions', {}, button('Discard', discard), button('Apply', apply, { kind: 'primary' })),
    );
    setText(effect, await effectOf(url, changes));
  };
  const discard = () => {
    review.replaceChildren();
    fill(current.config);
  };
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('submit', guarded(show));
  const take = onChange((next) => {
    const first = current === undefined;
    const edited = !first && Object.keys(patch()).length > 0;
    if (first) build(next.config);
    // What somebody is typing is not overwritten; applying it then meets the newer version.
    if (first || !edited) {
      current = next;
      fill(next.config);
    }
  });
  return { node: form, update: take };
}

async function effectOf(url, changes) {
  const ask = (config) =>
    read(`${url}/preview?${new URLSearchParams({ limit: '1', ...config })}`, has('ranges'));
  const [now, then] = await Promise.all([ask({}), ask({ config: JSON.stringify(changes) })]);
  const text = ({ total, estimatedEnd }) =>
    `${total} ranges, ${estimatedEnd ? untilText(estimatedEnd) : 'no end to be told'}`;
  return `A run over everything: ${text(now)} now; ${text(then)} after it.`;
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

/** What was typed: a number, a JSON object, nothing, or the text, which the server judges. */
function valueOf(input) {
  const text = input.value.trim();
  if (text === '') return null;
  if (input.dataset.text !== undefined) return text;
  if (text.startsWith('{')) return JSON.parse(text);
  return Number.isNaN(Number(text)) ? text : Number(text);
}
