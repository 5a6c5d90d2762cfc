import { html, render, useEffect, useErrorBoundary } from './preact.min.js';
import { ConnectionStatus, ProblemAlert } from './connection-status.js';
import { DetailPage } from './detail-page.js';
import { LeaveDialog } from './leave-dialog.js';
import { ListPage } from './list-page.js';
import { route } from './router.js';
import { useStore } from './store.js';
import { followEvents } from './stream.js';
import { Toasts } from './toasts.js';
import { UnknownPage } from './unknown-page.js';

function App() {
  const [error] = useErrorBoundary();
  const current = useStore(route);
  const { view, name, runId } = current;
  useEffect(() => {
    // The first view leaves the focus where the browser puts it.
    if (hasNavigated(view, name, runId)) {
      document.getElementById('main').focus({ preventScroll: true });
      scrollTo(0, 0);
    }
  }, [view, name, runId]);
  if (error)
    return html`<p class="alert" role="alert">The page has failed: <bdi>${error.message}</bdi> Load it again.</p>`;
  return html`<div class="app">
    <${ProblemAlert} />
    ${view === 'list' && html`<${ListPage} params=${current.params} />`}
    ${view === 'detail' && html`<${DetailPage} key=${`${name}\n${runId}`} name=${name} runId=${runId} />`}
    ${view === 'unknown' && html`<${UnknownPage} hash=${current.hash} />`}
    <${LeaveDialog} />
  </div>`;
}

let shown;
function hasNavigated(...parts) {
  const before = shown;
  shown = parts.join('\n');
  return before !== undefined && before !== shown;
}

const main = document.getElementById('main');
main.replaceChildren();
render(html`<${App} />`, main);
render(html`<${ConnectionStatus} />`, document.getElementById('freshness'));
render(html`<${Toasts} />`, document.getElementById('messages'));
followEvents();
