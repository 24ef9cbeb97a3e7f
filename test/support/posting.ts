/** Posts to the webhook as anybody can who reaches its port. */
import https from 'node:https';

/** What came back. */
export interface Posted {
  readonly status: number;
  readonly text: string;
}

/** @param options - such as a client certificate */
export function postReview(url: string, body: string, options: https.RequestOptions = {}): Promise<Posted> {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return ask(url, { ...options, method: 'POST', headers }, body);
}

/** The text of `/metrics`. @param base - `https://host:port` */
export async function metricsOf(base: string): Promise<string> {
  return (await ask(`${base}/metrics`, {})).text;
}

function ask(url: string, options: https.RequestOptions, body?: string): Promise<Posted> {
  return new Promise((resolve, reject) => {
    const request = https.request(url, { rejectUnauthorized: false, agent: false, ...options }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}
