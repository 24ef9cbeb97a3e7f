/**
 * Places in a text that are made for a password: of a URL, a connection string, a header. What stands there is returned to
 * be judged.
 */

const URL_PASSWORD = /\b[A-Za-z][A-Za-z0-9+.-]{1,30}:\/\/[^/\s:@]{0,256}:([^@/\s]{1,512})@/g;
/** `...;Password=x;...` (ADO.NET), `...?user=a&password=x` (JDBC), `...,password=x,...` (StackExchange.Redis). */
const CONNECTION_PASSWORD = /(?:^|[;?&,])\s?(?:password|pwd)=([^;\s&,]{4,512})/gi;
/** `host=db password=x` (libpq), `... required username="a" password="x"` (JAAS). */
const SPACED_PASSWORD = /(?:^|\s)(?:password|pwd)=["']?([^;\s&"']{4,512})/gi;
/** What stands beside such a password; without it `password=` is a word in a sentence. */
const BESIDE_PASSWORD = /\b(?:host|server|user|username|uid|user id|dbname|database|port|sslmode) ?=/i;
/** `user:password@tcp(db:3306)/shop` (Go's driver for MySQL). */
const DSN_PASSWORD = /(?<![^\s"'=])[\w.-]{1,64}:([^\s@/]{1,256})@(?:tcp|unix)\(/g;
const ORACLE_PASSWORD = /\bjdbc:oracle:[a-z]{2,8}:[^/@\s]{1,64}\/([^@\s/]{1,256})@/g;
/** `user:password@proxy:3128`, without a scheme. */
const HOST_PASSWORD = /(?<![^\s"'=,])[\w.-]{1,64}:([^\s@/:]{1,256})@[\w.-]{1,253}:[0-9]{2,5}(?![\w.])/g;
const IMAGE_LOGIN = /^([^\s@/:]{1,64}:)([^\s@/]{1,256})@[\w.:-]{1,253}\//;
/** `Authorization: Bearer x`, also without the colon, as nginx writes it. */
const HEADER_CREDENTIAL =
  /\b[Aa]uthorization["']?[\s:=]{1,3}["']?(?:[Bb]asic|[Bb]earer|[Tt]oken|ApiKey) {1,4}([^\s"']{6,4096})/g;

/** `ALTER ROLE shop PASSWORD 'x'`, `CREATE USER shop IDENTIFIED BY 'x'`. */
const SQL_PASSWORD = /\b(?:PASSWORD|IDENTIFIED BY)\s{1,4}'([^'\n]{1,256})'/gi;

/** The passwords in the URLs of a text. */
export function urlPasswords(text: string): string[] {
  return text.includes('@') && text.includes('://') ? passwordsIn(text, URL_PASSWORD) : [];
}

/** The passwords before hosts with a port, without a scheme. */
export function hostPasswords(text: string): string[] {
  return text.includes('@') ? passwordsIn(text, HOST_PASSWORD) : [];
}

/**
 * Takes an image's name apart that holds a login: `user:password@registry.example.com/shop/app`.
 *
 * @returns the password and what stands before and after it; undefined if there is no login
 */
export function imageLogin(image: string): { before: string; password: string; after: string } | undefined {
  const [, before, password] = IMAGE_LOGIN.exec(image) ?? [];
  if (before === undefined || password === undefined) return undefined;
  return { before, password, after: image.slice(before.length + password.length) };
}

/** The passwords that statements of SQL give to users. */
export function sqlPasswords(text: string): string[] {
  return text.includes("'") ? passwordsIn(text, SQL_PASSWORD) : [];
}

/** The credentials of `Authorization` headers. */
export function headerCredentials(text: string): string[] {
  return text.includes('uthorization') ? passwordsIn(text, HEADER_CREDENTIAL) : [];
}

/** The passwords that a text holds at a place made for them. */
function passwordsIn(text: string, place: RegExp): string[] {
  const found: string[] = [];
  for (const match of text.matchAll(place)) {
    const password = match[1] ?? '';
    const end = match.index + match[0].lastIndexOf(password) + password.length;
    if (!isCutOff(password, text, end)) found.push(password);
  }
  return found;
}

/** Is it the start of what a shell puts in, cut off at a blank: `$(cat /run/token)`? */
function isCutOff(password: string, text: string, end: number): boolean {
  if (!/^(?:\$\(|`)[^)`]*$/.test(password) || !/\s/.test(text[end] ?? '')) return false;
  return text.slice(end, end + LONGEST_COMMAND).includes(password.startsWith('$') ? ')' : '`');
}
const LONGEST_COMMAND = 512;

/** The passwords of connection strings: ADO.NET, JDBC, libpq, JAAS, Go, Oracle. */
export function connectionPasswords(text: string): string[] {
  const found: string[] = [];
  if (/(?:word|pwd)=/i.test(text)) {
    found.push(...passwordsIn(text, CONNECTION_PASSWORD));
    if (BESIDE_PASSWORD.test(text)) found.push(...passwordsIn(text, SPACED_PASSWORD));
  }
  if (/@(?:tcp|unix)\(/.test(text)) found.push(...passwordsIn(text, DSN_PASSWORD));
  if (text.includes('jdbc:oracle')) found.push(...passwordsIn(text, ORACLE_PASSWORD));
  return found;
}
