import { createStore } from './store.js';

/**
 * The route of a hash: `#/?q=…` is the list, `#/name` a backfill, `#/name/runs/id` a run of it; anything else, and what
 * is not encoded correctly, is `unknown`.
 */
export function parseHash(hash) {
  const [path, search = ''] = hash.replace(/^#/, '').split('?', 2);
  if (path === '' || path === '/') return { view: 'list', params: new URLSearchParams(search) };
  try {
    const [first, name, runs, runId, ...more] = path.split('/').map(decodeURIComponent);
    const isRun = runs === 'runs' && runId && more.length === 0;
    if (first === '' && name && (runs === undefined || isRun)) {
      return { view: 'detail', name, runId: isRun ? runId : null };
    }
  } catch {
    // A percent sign that encodes nothing.
  }
  return { view: 'unknown', hash };
}

export const nameHash = (name) => `#/${encodeURIComponent(name)}`;
export const runHash = (name, runId) => `${nameHash(name)}/runs/${encodeURIComponent(runId)}`;

export const route = createStore(parseHash(location.hash));
/** Where a navigation goes that would drop unsaved edits; `null` for none. */
export const blocked = createStore(null);

let currentHash = location.hash;
let hasUnsavedEdits = () => false;

/** Asks before a navigation for as long as the function returns true; returns how to end that. */
export function guardEdits(isEdited) {
  hasUnsavedEdits = isEdited;
  return () => {
    hasUnsavedEdits = () => false;
  };
}

/** Goes on with the navigation that was blocked. */
export function leave() {
  const { hash } = blocked.get();
  hasUnsavedEdits = () => false;
  blocked.set(null);
  location.hash = hash;
}

/** Replaces the parameters of the list in the URL, without an entry of the browser's history. */
export function replaceParams(params) {
  const text = params.toString();
  history.replaceState(null, '', `#/${text ? `?${text}` : ''}`);
  currentHash = location.hash;
  route.set(parseHash(currentHash));
}

addEventListener('hashchange', () => {
  const hash = location.hash;
  if (hash === currentHash) return;
  if (hash === '#main') {
    // The link to skip the header is no route.
    history.replaceState(null, '', currentHash || '#/');
    document.getElementById('main').focus();
    return;
  }
  if (hasUnsavedEdits()) {
    blocked.set({ hash });
    history.replaceState(null, '', currentHash);
    return;
  }
  currentHash = hash;
  route.set(parseHash(hash));
});
addEventListener('beforeunload', (event) => {
  if (hasUnsavedEdits()) event.preventDefault();
});
