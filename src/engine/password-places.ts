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
/** `Authorization: Bearer x`, also without the colon, as nginx writes it. */
const HEADER_CREDENTIAL =
  /\b[Aa]uthorization["']?[\s:=]{1,3}["']?(?:[Bb]asic|[Bb]earer|[Tt]oken|ApiKey) {1,4}([^\s"']{6,4096})/g;

/** The passwords in the URLs of a text. */
export function urlPasswords(text: string): string[] {
  return text.includes('@') && text.includes('://') ? passwordsIn(text, URL_PASSWORD) : [];
}

/** The credentials of `Authorization` headers. */
export function headerCredentials(text: string): string[] {
  return text.includes('uthorization') ? passwordsIn(text, HEADER_CREDENTIAL) : [];
}

/** The passwords that a text holds at a place made for them. */
function passwordsIn(text: string, place: RegExp): string[] {
  return Array.from(text.matchAll(place), (match) => match[1] ?? '');
}

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
