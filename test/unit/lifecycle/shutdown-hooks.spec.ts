import { EventEmitter } from 'node:events';
import { endsAtOnce } from '../../../lib/shutdown-hooks.check.js';

it('a process without listeners ends at once', () => {
  expect(endsAtOnce(new EventEmitter().on('exit', () => undefined))).toBe(true);
});

it.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'message'])(
  'one that listens to %s may close its app',
  (event) => {
    expect(endsAtOnce(new EventEmitter().on(event, () => undefined))).toBe(false);
  },
);
