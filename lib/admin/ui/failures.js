import { change, has, read } from './api.js';
import { button, el, onChange, setText, toast } from './dom.js';
import { counted, keyText, when } from './format.js';
import { table } from './components.js';

const PAGE_SIZE = 20;

/** Failures with their errors and a retry. */
export function failuresView(url, changed) {
  const node = el('div', {});
  let pages = 1;
  let adoptVersion = null;
  const retryAll = button('Retry all', () => retry());
  const retry = async (ids) => {
    const { retried } = await change('POST', `${url}/failures/retry`, {
      ...(ids ? { ids } : {}),
      ...(adoptVersion === null ? {} : { adoptVersion }),
    });
    toast(`${counted(retried, 'failure')} queued again`);
    changed();
  };
  const draw = onChange(({ items, next }) => {
    const rows = items.map(({ id, kind, key, error, attempts, failedAt }) => [
      el('span', {}, kind === 'row' ? 'row ' : 'range ', el('code', {}, keyText(key))),
      el(
        'details',
        {},
        el('summary', {}, `${error.name}: ${error.message}`),
        el(
          'pre',
          { tabindex: 0, 'aria-label': `Stack trace of ${keyText(key)}` },
          error.stack ?? 'no stack trace',
        ),
      ),
      String(attempts),
      el('span.once', {}, when(failedAt)),
      button('Retry', () => retry([id]), { kind: 'small', 'aria-label': `Retry ${keyText(key)}` }),
    ]);
    node.replaceChildren(
      table('Failures', ['Range or row', 'Error', 'Attempts', 'Time', ''], rows, 'No failures.'),
      el(
        'div.actions',
        {},
        items.length > 0 && retryAll,
        next !== null && button('Show more', () => (pages++, changed())),
      ),
    );
  });
  return {
    node,
    async load() {
      return read(`${url}/failures?limit=${Math.min(1000, PAGE_SIZE * pages)}`, has('items'));
    },
    update: draw,
    /** Retries have the run go on with this version of the handler. */
    adopt(version) {
      adoptVersion = version;
      setText(retryAll, version === null ? 'Retry all' : `Retry all with version ${version}`);
    },
  };
}
