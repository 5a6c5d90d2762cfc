import { has, read } from './api.js';
import { button, el, withErrorToast } from './dom.js';
import { counted, keyText, untilText, when } from './format.js';
import { table } from './components.js';

let ids = 0;

/** A field with its label and hint. */
export function field(label, input, hint) {
  input.id ||= `field-${++ids}`;
  const hintId = `${input.id}-hint`;
  if (hint) input.setAttribute('aria-describedby', hintId);
  return el(
    'p.field',
    {},
    el('label', { for: input.id }, label),
    input,
    hint && el('small', { id: hintId }, hint),
  );
}

function openDialog(title, content, actions) {
  const heading = `dialog-${++ids}`;
  const dialog = el('dialog', { 'aria-labelledby': heading });
  const form = el(
    'form',
    { method: 'dialog' },
    el('h3', { id: heading }, title),
    ...content,
    el('div.actions', {}, ...actions),
  );
  form.addEventListener('submit', (event) => event.preventDefault());
  dialog.append(form);
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Asks for confirmation and a reason. */
export function confirmDialog(title, text, confirm, onConfirm) {
  const reason = el('input', { type: 'text', maxlength: 500, autocomplete: 'off' });
  const dialog = openDialog(
    title,
    [el('p', {}, text), field('Reason (kept in the history)', reason)],
    [
      button('Go back', () => dialog.close()),
      button(
        confirm,
        async () => {
          await onConfirm(reason.value.trim());
          dialog.close();
        },
        { kind: 'danger' },
      ),
    ],
  );
  reason.focus();
}

/** Asks for the options of a run, and previews it on request. */
export function startDialog(name, url, onStart) {
  const from = el('input', { type: 'text', autocomplete: 'off', placeholder: 'first row' });
  const to = el('input', { type: 'text', autocomplete: 'off', placeholder: 'last row' });
  const reason = el('input', { type: 'text', maxlength: 500, autocomplete: 'off' });
  const dryRun = el('input', { type: 'checkbox', id: `field-${++ids}` });
  const verify = el('input', { type: 'checkbox', id: `field-${++ids}` });
  const verifyHint = `${verify.id}-hint`;
  verify.setAttribute('aria-describedby', verifyHint);
  // The status does not have the backfill's own option, which applies until the operator decides.
  verify.indeterminate = true;
  const result = el('div', { 'aria-live': 'polite' });
  const preview = async () => {
    result.replaceChildren(el('p.quiet', {}, 'Loading…'));
    try {
      result.replaceChildren(...(await previewContent(url, from.value, to.value)));
    } catch (error) {
      result.replaceChildren(el('p.alert', { role: 'alert' }, error.message));
    }
  };
  const start = async () => {
    await onStart({
      ...(from.value.trim() ? { from: boundOf(from.value) } : {}),
      ...(to.value.trim() ? { to: boundOf(to.value) } : {}),
      ...(dryRun.checked ? { dryRun: true } : {}),
      ...(verify.indeterminate ? {} : { verify: verify.checked }),
      ...(reason.value.trim() ? { reason: reason.value.trim() } : {}),
    });
    dialog.close();
  };
  const dialog = openDialog(
    `Start ${name}`,
    [
      el(
        'div.pair',
        {},
        field('From', from),
        field('To', to, 'Inclusive; a composite key as JSON: {"id": …}'),
      ),
      field('Reason (kept in the history)', reason),
      el('p.check', {}, dryRun, el('label', { for: dryRun.id }, 'Dry run: every transaction is rolled back')),
      el(
        'p.check',
        {},
        verify,
        el('label', { for: verify.id }, 'Verify after the walk'),
        el('small', { id: verifyHint }, 'Untouched: as the options of the backfill say'),
      ),
      result,
    ],
    [
      button('Go back', () => dialog.close()),
      button('Preview', preview),
      button('Start', start, { kind: 'primary' }),
    ],
  );
  dialog.querySelector('form').addEventListener('submit', withErrorToast(start));
  reason.focus();
}

function boundOf(text) {
  const value = text.trim();
  return value.startsWith('{') ? JSON.parse(value) : value;
}

async function previewContent(url, from, to) {
  const query = new URLSearchParams({ limit: '5' });
  if (from.trim()) query.set('from', from.trim());
  if (to.trim()) query.set('to', to.trim());
  const { ranges, total, rowsTotal, rowsTotalKind, estimatedEnd, warnings } = await read(
    `${url}/preview?${query}`,
    has('ranges'),
  );
  const about = rowsTotalKind === 'estimated' ? 'about ' : '';
  const end = estimatedEnd
    ? `estimated to end in ${untilText(estimatedEnd)} (${when(estimatedEnd)})`
    : 'the end cannot be estimated';
  return [
    el('p', {}, `${counted(total, 'range')} over ${about}${counted(rowsTotal, 'row')}; ${end}.`),
    ...warnings.map(({ message }) => el('p.warning', {}, message)),
    table(
      'First ranges',
      ['Range', 'Rows', 'Starts'],
      ranges.map(({ index, runAt, ...keys }) => [
        String(index),
        rangeText(keys),
        runAt ? el('span.once', {}, when(runAt)) : 'not at this rate',
      ]),
      'No rows to process.',
    ),
  ];
}

function rangeText(keys) {
  return Object.entries(keys)
    .filter(([key]) => key !== 'where')
    .map(([key, value]) => `${key} ${keyText(value)}`)
    .join(', ');
}
