import type { IncomingMessage } from 'node:http';
import type { AdminRequest } from './admin-request.js';

/** Does work for a request, with a signal that is aborted when the client disconnects before the work has ended. */
export async function whileConnected<Result>(
  request: AdminRequest,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const { socket } = request.raw ?? (request as unknown as IncomingMessage);
  const disconnected = new AbortController();
  const onClose = () => disconnected.abort(new Error('The client disconnected'));
  socket.once('close', onClose);
  if (socket.destroyed) {
    onClose();
  }
  try {
    return await work(disconnected.signal);
  } finally {
    socket.off('close', onClose);
  }
}
