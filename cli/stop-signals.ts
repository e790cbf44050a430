export interface StopSignals {
  readonly signal: AbortSignal;
  /** What was received first, if anything. */
  received(): NodeJS.Signals | undefined;
  /** Listens no more. */
  release(): void;
}

/** Ctrl-C (and SIGTERM) ask for a clean stop; a second one ends at once. */
export function stopSignals(): StopSignals {
  const controller = new AbortController();
  let received: NodeJS.Signals | undefined;
  const stop = (signal: NodeJS.Signals) => {
    if (received !== undefined) process.exit(130);
    received = signal;
    controller.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return {
    signal: controller.signal,
    received: () => received,
    release: () => {
      process.off('SIGINT', stop).off('SIGTERM', stop);
    },
  };
}
