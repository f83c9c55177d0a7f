import fs from 'node:fs';
import type http from 'node:http';

declare const __RELEASE__: string;

const append = (file: string, line: object) => fs.appendFileSync(file, JSON.stringify(line) + '\n');

/** One line a request, written when it is answered or given up. */
export function accessLog(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  session: string,
  traceId: string | null,
): void {
  const started = Date.now();
  response.on('close', () =>
    append(process.env.ACCESS_LOG!, {
      ts: started,
      method: request.method,
      path: request.url!.split('?')[0],
      status: response.writableFinished ? response.statusCode : 499,
      ms: Date.now() - started,
      session_id: session,
      release: __RELEASE__,
      trace_id: traceId,
      user_agent: request.headers['user-agent'] ?? null,
    }),
  );
}

export function supportLog(session: string, pageUrl: string): { ok: boolean } {
  append(process.env.SUPPORT_LOG!, { at: Date.now(), session_id: session, release: __RELEASE__, page_url: pageUrl });
  return { ok: true };
}
