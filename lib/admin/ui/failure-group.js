import { html, useState } from './preact.min.js';
import { Button } from './button.js';
import { FailureList } from './failure-list.js';
import { count } from './format.js';
import { Time } from './time.js';

/** The failures of one kind: how many, when the last one was, and on demand each of them. */
export function FailureGroup({ group, list }) {
  const [isOpen, setOpen] = useState(false);
  const title = `${group.error}: ${group.message}`;
  return html`<li class="failure-group">
    <details onToggle=${(event) => setOpen(event.target.open)}>
      <summary><bdi>${title}</bdi></summary>
    </details>
    <p class="failure-count"><strong>${count(group.count)}</strong><span class="quiet">, last <${Time} iso=${group.lastAt} /></span></p>
    ${
      list.onRetry &&
      html`<${Button}
      kind="small"
      aria-label="Retry ${count(group.count)}… ${title}"
      onClick=${() => list.onRetry({ group, count: group.count })}
    >
      Retry ${count(group.count)}…
    <//>`
    }
    ${isOpen && html`<${FailureList} ...${list} group=${group} />`}
  </li>`;
}
