import { has, read } from './api.js';
import { button, el, guarded } from './dom.js';
import { count, keyText, untilText, when } from './format.js';
import { table } from './parts.js';

let made = 0;

/** A field with its label. */
export function field(label, input, hint) {
  input.id ||= `field-${++made}`;
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

function openDialog(title, parts, actions) {
  const heading = `dialog-${++made}`;
  const dialog = el('dialog', { 'aria-labelledby': heading });
  const form = el(
    'form',
    { method: 'dialog' },
    el('h3', { id: heading }, title),
    ...parts,
    el('div.actions', {}, ...actions),
  );
  form.addEventListener('submit', (event) => event.preventDefault());
  dialog.append(form);
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Asks before something is destroyed. */
export function confirmDialog(title, text, confirm, onConfirm) {
  const reason = el('input', { type: 'text', maxlength: 500, autocomplete: 'off' });
  const dialog = openDialog(
    title,
    [el('p', {}, text), field('Why (kept in the history)', reason)],
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

/** Asks for the bounds of a run, and shows on request what it would do. */
export function startDialog(name, url, onStart) {
  const from = el('input', { type: 'text', autocomplete: 'off', placeholder: 'where the table begins' });
  const to = el('input', { type: 'text', autocomplete: 'off', placeholder: 'where the table ends now' });
  const reason = el('input', { type: 'text', maxlength: 500, autocomplete: 'off' });
  const dryRun = el('input', { type: 'checkbox', id: `field-${++made}` });
  const result = el('div', { 'aria-live': 'polite' });
  const preview = async () => {
    result.replaceChildren(el('p.quiet', {}, 'Looking…'));
    try {
      result.replaceChildren(...(await previewParts(url, from.value, to.value)));
    } catch (error) {
      result.replaceChildren(el('p.trouble', { role: 'alert' }, error.message));
    }
  };
  const start = async () => {
    await onStart({
      ...(from.value.trim() ? { from: boundOf(from.value) } : {}),
      ...(to.value.trim() ? { to: boundOf(to.value) } : {}),
      ...(dryRun.checked ? { dryRun: true } : {}),
      ...(reason.value.trim() ? { reason: reason.value.trim() } : {}),
    });
    dialog.close();
  };
  const dialog = openDialog(
    `Start ${name}`,
    [
      el('div.pair', {}, field('From', from), field('To', to, 'Inclusive; for several keys {"id": …}')),
      field('Why (kept in the history)', reason),
      el('p.check', {}, dryRun, el('label', { for: dryRun.id }, 'Dry run: everything is rolled back')),
      result,
    ],
    [
      button('Go back', () => dialog.close()),
      button('Preview', preview),
      button('Start', start, { kind: 'primary' }),
    ],
  );
  dialog.querySelector('form').addEventListener('submit', guarded(start));
  reason.focus();
}

function boundOf(text) {
  const value = text.trim();
  return value.startsWith('{') ? JSON.parse(value) : value;
}

async function previewParts(url, from, to) {
  const query = new URLSearchParams({ limit: '5' });
  if (from.trim()) query.set('from', from.trim());
  if (to.trim()) query.set('to', to.trim());
  const { ranges, total, rowsTotal, rowsTotalKind, estimatedEnd, warnings } = await read(
    `${url}/preview?${query}`,
    has('ranges'),
  );
  const about = rowsTotalKind === 'estimated' ? 'about ' : '';
  const end = estimatedEnd
    ? `would end in ${untilText(estimatedEnd)} (${when(estimatedEnd)})`
    : 'cannot tell when it would end';
  return [
    el('p', {}, `${count(total)} ranges over ${about}${count(rowsTotal)} rows; ${end}.`),
    ...warnings.map(({ message }) => el('p.warning', {}, message)),
    table(
      'First ranges',
      ['Range', 'Rows', 'Starts'],
      ranges.map(({ index, runAt, ...keys }) => [
        String(index),
        rangeText(keys),
        runAt ? el('span.once', {}, when(runAt)) : 'not at this rate',
      ]),
      'Nothing to do.',
    ),
  ];
}

function rangeText(keys) {
  return Object.entries(keys)
    .filter(([key]) => key !== 'where')
    .map(([key, value]) => `${key} ${keyText(value)}`)
    .join(', ');
}
