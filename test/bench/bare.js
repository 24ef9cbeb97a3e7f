/** The bare handler that we compare ourselves with: parses the same body and allows. Arguments: port, certificate, key. */
import { readFileSync } from 'node:fs';
import https from 'node:https';

const [port, cert, key] = process.argv.slice(2);
https
  .createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      if (chunks.length === 0) return response.end('ok');
      const { request: admission } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
      const text = JSON.stringify({
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        response: { uid: admission.uid, allowed: true },
      });
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
      response.end(text);
    });
  })
  .listen(Number(port), '127.0.0.1');
