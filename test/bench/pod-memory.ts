/** As in a pod: without a bound the engine lets garbage lie as long as the machine has room. */
export const HEAP = '--max-old-space-size=128';

export const MB = 1_048_576;
