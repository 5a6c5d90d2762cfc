const CLOSE_WITHIN_MS = 10_000;

/** Aborted by Ctrl-C, by a signal that ends the process, and when the process that started this one is gone. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (code: number) => {
    if (!controller.signal.aborted) {
      process.exitCode = code;
      setTimeout(() => process.exit(code), CLOSE_WITHIN_MS).unref();
      controller.abort();
    }
  };
  process.on('SIGINT', () => stop(130));
  process.on('SIGTERM', () => stop(143));
  process.on('SIGHUP', () => stop(129));
  process.on('disconnect', () => stop(143));
  process.channel?.unref();
  return controller.signal;
}
