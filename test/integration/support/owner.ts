import { startServices } from '../../support/services/index.js';

/** A process that owns servers, and ends in the way that its argument says. */
delete process.env['DATABASE_URL'];
delete process.env['REDIS_URL'];
const services = await startServices({ postgres: { inMemory: true } });
console.log(JSON.stringify(services));
if (process.argv[2] === 'throw') {
  setTimeout(() => {
    throw new Error('uncaught');
  }, 100);
} else if (process.argv[2] === 'stop') {
  await services.stop();
} else {
  process.stdin.resume();
}
