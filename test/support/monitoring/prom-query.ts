import { parser } from '@prometheus-io/lezer-promql';

/** What a PromQL expression reads. */
export interface PromQuery {
  readonly metrics: readonly string[];
  /** The labels that it selects or groups by, with the values that it names. */
  readonly labels: readonly { readonly label: string; readonly value: string | null }[];
}

/** Reads an expression with the grammar of Prometheus; throws where it is none. */
export function parsePromQuery(expression: string): PromQuery {
  // Grafana replaces its variables before it sends the query.
  const query = expression.replaceAll('$__rate_interval', '1m').replaceAll('$backfill', '.*');
  const metrics = new Set<string>();
  const labels: { label: string; value: string | null }[] = [];
  parser.parse(query).iterate({
    enter: ({ type, from, node }) => {
      const textsOf = (child: string) =>
        node.getChildren(child).map((part) => query.slice(part.from, part.to));
      if (type.isError) {
        throw new SyntaxError(
          `Expected an expression of PromQL, got ${query}: wrong from ${query.slice(from)}`,
        );
      }
      if (type.name === 'VectorSelector') {
        textsOf('Identifier').forEach((metric) => metrics.add(metric));
      } else if (type.name === 'GroupingLabels') {
        labels.push(...textsOf('LabelName').map((label) => ({ label, value: null })));
      } else if (type.name === 'UnquotedLabelMatcher') {
        const [label = ''] = textsOf('LabelName');
        const [literal = ''] = textsOf('StringLiteral');
        labels.push({ label, value: textsOf('MatchOp')[0] === '=' ? literal.slice(1, -1) : null });
      }
    },
  });
  return { metrics: [...metrics], labels };
}
