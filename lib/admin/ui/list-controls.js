import { html, useEffect, useRef } from './preact.min.js';
import { SORTS } from './list-filter.js';
import { replaceParams } from './router.js';
import { GROUPS } from './status-groups.js';

/** Search, filter and order of the list; they are in the URL. `/` moves the focus to the search. */
export function ListControls({ params, counts, total }) {
  const input = useRef();
  const set = (key, value) => {
    const next = new URLSearchParams(params);
    if (value === '') next.delete(key);
    else next.set(key, value);
    replaceParams(next);
  };
  useEffect(() => {
    const focus = (event) => {
      const isTyping = event.target.closest('input, select, textarea, dialog');
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      input.current.focus();
      input.current.select();
    };
    addEventListener('keydown', focus);
    return () => removeEventListener('keydown', focus);
  }, []);
  const clear = (event) => event.key === 'Escape' && set('q', '');
  return html`<form class="controls" role="search" onSubmit=${(event) => event.preventDefault()}>
    <p>
      <label for="search">Search</label>
      <input
        ref=${input}
        id="search"
        type="search"
        autocomplete="off"
        spellcheck=${false}
        placeholder="press /"
        value=${params.get('q') ?? ''}
        onInput=${(event) => set('q', event.target.value)}
        onKeyDown=${clear}
      />
    </p>
    <p>
      <label for="state">State</label>
      <select id="state" value=${params.get('state') ?? ''} onChange=${(event) => set('state', event.target.value)}>
        <option value="">All (${total})</option>
        ${GROUPS.map(
          ([id, title]) => html`<option key=${id} value=${id}>${title} (${counts[id] ?? 0})</option>`,
        )}
      </select>
    </p>
    <p>
      <label for="sort">Order</label>
      <select id="sort" value=${params.get('sort') ?? ''} onChange=${(event) => set('sort', event.target.value)}>
        ${Object.entries(SORTS).map(([id, [title]]) => html`<option key=${id} value=${id}>${title}</option>`)}
      </select>
    </p>
  </form>`;
}
