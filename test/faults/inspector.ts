/** The heap of a process that was started with `--inspect=127.0.0.1:port`, by the protocol of its inspector. */

/** Bytes that are in use after everything that can be has been collected. @throws Error if nobody listens there */
export async function heapAfterCollection(port: number): Promise<number> {
  const [target] = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as [
    { webSocketDebuggerUrl: string },
  ];
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error(`no inspector on port ${port}`)), { once: true });
  });
  try {
    await call(socket, 1, 'HeapProfiler.enable');
    // What the first one finalizes, the second one frees.
    await call(socket, 2, 'HeapProfiler.collectGarbage');
    await call(socket, 3, 'HeapProfiler.collectGarbage');
    const { usedSize } = (await call(socket, 4, 'Runtime.getHeapUsage')) as { usedSize: number };
    return usedSize;
  } finally {
    socket.close();
  }
}

function call(socket: WebSocket, id: number, method: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onMessage = ({ data }: MessageEvent): void => {
      const answer = JSON.parse(String(data)) as { id?: number; result?: unknown; error?: { message: string } };
      if (answer.id !== id) return;
      socket.removeEventListener('message', onMessage);
      if (answer.error === undefined) resolve(answer.result);
      else reject(new Error(`${method}: ${answer.error.message}`));
    };
    socket.addEventListener('message', onMessage);
    socket.send(JSON.stringify({ id, method }));
  });
}
