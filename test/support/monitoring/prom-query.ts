/** What a PromQL expression reads. */
export interface PromQuery {
  readonly metrics: readonly string[];
  /** The labels that it selects or groups by, with the values that it names. */
  readonly labels: readonly { readonly label: string; readonly value: string | null }[];
}

const SELECTOR = /\{([^}]*)\}/g;
const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right) ?\(([^)]*)\)/g;

/** Finds the metrics and labels of an expression over metrics of the library. */
export function parsePromQuery(expression: string): PromQuery {
  const selected = [...expression.matchAll(SELECTOR)]
    .flatMap(([, inner = '']) => [...inner.matchAll(/(\w+)(=~|!=|=)"([^"]*)"/g)])
    .map(([, label = '', operator, value = '']) => ({ label, value: operator === '=' ? value : null }));
  const grouped = [...expression.matchAll(GROUPING)]
    .flatMap(([, inner = '']) => inner.split(',').map((label) => label.trim()))
    .filter((label) => label !== '')
    .map((label) => ({ label, value: null }));
  const rest = expression.replaceAll(SELECTOR, '').replaceAll(GROUPING, '');
  return { metrics: [...new Set(rest.match(/\bbackfill_\w+/g))], labels: [...selected, ...grouped] };
}
