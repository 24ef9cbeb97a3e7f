/** The one logger: JSON for machines or text for people, errors with their stack and cause in any field. */
import { inspect } from 'node:util';
import winston from 'winston';

export type Logger = Pick<winston.Logger, 'error' | 'warn' | 'info' | 'debug'>;

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export const LOG_FORMATS = ['json', 'text'] as const;

export interface LogOptions {
  readonly level: (typeof LOG_LEVELS)[number];
  readonly format: (typeof LOG_FORMATS)[number];
}

/** winston prints an Error inside a field as {}; this gives it its parts. */
const errorsAsParts = winston.format((info) => {
  for (const [key, value] of Object.entries(info)) if (value instanceof Error) info[key] = partsOf(value);
  return info;
});

interface ErrorParts {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: unknown;
}

/** An error as plain data. */
function partsOf(error: Error, depth = 0): ErrorParts {
  const { name, message, stack, cause } = error;
  return {
    name,
    message,
    ...('code' in error ? { code: error.code } : {}),
    ...(stack === undefined ? {} : { stack }),
    ...(cause === undefined
      ? {}
      : { cause: cause instanceof Error && depth < 4 ? partsOf(cause, depth + 1) : inspect(cause) }),
  };
}

const asText = winston.format.printf(({ timestamp, level, message, ...rest }) => {
  const fields = Object.entries(rest).map(([key, value]) => ` ${key}=${textOf(value)}`);
  return `${String(timestamp)} ${level.padEnd(5)} ${String(message)}${fields.join('')}`;
});

function textOf(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'stack' in value && 'message' in value) {
    return JSON.stringify(value.message);
  }
  return typeof value === 'string' && /^[\w./:@-]+$/.test(value) ? value : JSON.stringify(value);
}

/** Makes the logger. Lines go to standard error, so that standard output stays free for answers. */
export function createLogger({ level, format }: LogOptions): Logger {
  return winston.createLogger({
    level,
    format: winston.format.combine(
      errorsAsParts(),
      winston.format.timestamp(),
      format === 'json' ? winston.format.json() : asText,
    ),
    transports: [new winston.transports.Console({ stderrLevels: [...LOG_LEVELS] })],
  });
}
