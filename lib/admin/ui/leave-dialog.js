import { html } from './preact.min.js';
import { Button } from './button.js';
import { Dialog } from './dialog.js';
import { blocked, leave } from './router.js';
import { useStore } from './store.js';

/** Asks before a navigation drops edits that were not applied. */
export function LeaveDialog() {
  if (!useStore(blocked)) return null;
  const stay = () => blocked.set(null);
  return html`<${Dialog}
    title="Leave without applying your changes?"
    onClose=${stay}
    onSubmit=${stay}
    actions=${html`<${Button} kind="danger" onClick=${leave}>Leave<//>
      <${Button} kind="primary" type="submit" data-focus>Stay<//>`}
  >
    <p>The values that you have typed are not in force yet. Leaving drops them.</p>
  <//>`;
}
