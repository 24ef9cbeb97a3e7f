/** `probe`: asks one HTTPS URL and tells by the exit status; for `helm test`, where the image has neither shell nor curl. */
import { readFile } from 'node:fs/promises';
import https from 'node:https';
import type { Command } from 'commander';
import { print, processIo, type Io } from './io.ts';

/** How long to go on trying, in milliseconds: a Service needs a moment to reach new pods. */
const PATIENCE = 30_000;
const PAUSE = 1000;
const TIMEOUT = 5000;

/** Adds `probe`. @param setExit - told 0 if the answer was 200, else 1 */
export function addProbeCommand(program: Command, setExit: (status: number) => void, io: Io = processIo()): void {
  program
    .command('probe')
    .argument('<url>', 'https URL that must answer 200')
    .option('--ca <file>', 'PEM certificates to trust instead of the built-in ones')
    .description('ask a URL until it answers 200, for at most 30 seconds')
    .action(async (url: string, { ca }: { ca?: string }) => {
      const trusted = ca === undefined ? undefined : await readFile(ca, 'utf8');
      const end = Date.now() + PATIENCE;
      let answer: string;
      do {
        answer = await ask(url, trusted);
        if (answer === '200') {
          await print(io.stdout, `${url}: 200\n`);
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      } while (Date.now() < end);
      await print(io.stderr, `error: ${url}: ${answer}\n`);
      setExit(1);
    });
}

/** @returns the HTTP status, or why there is none */
function ask(url: string, ca: string | undefined): Promise<string> {
  return new Promise((resolve) => {
    const request = https.get(
      url,
      { timeout: TIMEOUT, agent: false, ...(ca === undefined ? {} : { ca }) },
      (response) => {
        response.resume();
        resolve(String(response.statusCode));
      },
    );
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', (error) => resolve(error.message));
  });
}
