/** Passwords under flags too short to say so, as some programs take them: `redis-cli -a x`, `mysql -px`, `curl -u user:x`. */
import { isRealPassword } from './credentials.ts';

/** How a program takes a password. */
interface Taking {
  /** The flag, alone or with letters for other things before it (`-su`). */
  readonly flag: RegExp;
  /** Where the password stands: in the next word, behind the flag in the same word, or either. */
  readonly value: 'apart' | 'joined' | 'either';
  /** It follows a user's name and a colon. */
  readonly isLogin?: true;
}

const REDIS: Taking = { flag: /^-a/, value: 'apart' };
/** A word of its own behind `-p` is the name of a database. */
const MYSQL: Taking = { flag: /^-p/, value: 'joined' };
const SMALL_P: Taking = { flag: /^-p/, value: 'either' };
const CAPITAL_P: Taking = { flag: /^-P/, value: 'either' };
const LDAP: Taking = { flag: /^-w/, value: 'either' };
const CURL: Taking = { flag: /^(?:-[fgikLsSv]{0,8}[uU]|--(?:proxy-)?user$)/, value: 'either', isLogin: true };

const PROGRAMS: Readonly<Record<string, Taking>> = {
  'redis-cli': REDIS,
  'valkey-cli': REDIS,
  'keydb-cli': REDIS,
  'redis-benchmark': REDIS,
  mysql: MYSQL,
  mysqladmin: MYSQL,
  mysqldump: MYSQL,
  mysqlcheck: MYSQL,
  mysqlimport: MYSQL,
  mysqlsh: MYSQL,
  mariadb: MYSQL,
  'mariadb-admin': MYSQL,
  'mariadb-dump': MYSQL,
  'mariadb-check': MYSQL,
  mongo: SMALL_P,
  mongosh: SMALL_P,
  mongodump: SMALL_P,
  mongorestore: SMALL_P,
  mongoexport: SMALL_P,
  mongoimport: SMALL_P,
  sshpass: SMALL_P,
  cqlsh: SMALL_P,
  sqlcmd: CAPITAL_P,
  bcp: CAPITAL_P,
  mosquitto_pub: CAPITAL_P,
  mosquitto_sub: CAPITAL_P,
  ipmitool: CAPITAL_P,
  ldapsearch: LDAP,
  ldapadd: LDAP,
  ldapmodify: LDAP,
  ldapdelete: LDAP,
  ldapwhoami: LDAP,
  ldappasswd: LDAP,
  curl: CURL,
};

/** What may stand before the program that is run: `exec`, `timeout 5`, `until`, `A=b`. */
const BEFORE = /^(?:exec|sudo|nohup|time|timeout|nice|env|tini|dumb-init|if|while|until|then|else|do|!)$/;
const ASSIGNMENT = /^[A-Za-z_]\w{0,128}=/;
const OF_BEFORE = /^(?:-.{0,64}|[0-9]{1,6}(?:\.[0-9]{1,3})?[smhd]?)$/;

/** A password in a command, and whose it is. */
export interface ProgramPassword {
  /** Of the word that holds it. */
  readonly index: number;
  /** `a password for mysql` */
  readonly found: string;
}

const FOUND = 'a password for ';

/** Was this said of a password that `programPasswords` found? */
export function isProgramPassword(found: string): boolean {
  return found.startsWith(FOUND);
}

/** The passwords in one command, given by its words. */
export function programPasswords(words: readonly string[]): ProgramPassword[] {
  const start = programAt(words);
  const program = (words[start] ?? '').slice((words[start] ?? '').lastIndexOf('/') + 1);
  if (!Object.hasOwn(PROGRAMS, program)) return [];
  const { flag, value, isLogin } = PROGRAMS[program] as Taking;
  const passwords: ProgramPassword[] = [];
  for (let index = start + 1; index < words.length; index++) {
    const word = words[index] as string;
    const [written] = flag.exec(word) ?? [];
    if (written === undefined) continue;
    const isApart = written === word;
    if (isApart ? value === 'joined' : value === 'apart') continue;
    if (isApart) index += 1;
    const given = isApart ? (words[index] ?? '') : word.slice(written.length);
    const password = isLogin === true ? (/^[^\s:/]{1,256}:(?!\/\/)([^]+)$/.exec(given)?.[1] ?? '') : given;
    if (isPassword(password)) passwords.push({ index, found: FOUND + program });
  }
  return passwords;
}

/** The first password in a text for a shell. @returns whose it is */
export function programPasswordIn(text: string): string | undefined {
  if (!/\s-/.test(text)) return undefined;
  let words: string[] = [];
  for (const [word] of `${text}\n`.matchAll(SHELL_WORD)) {
    if (!SEPARATOR.test(word)) {
      words.push(unquoted(word));
      continue;
    }
    const [first] = programPasswords(words);
    if (first !== undefined) return first.found;
    words = [];
  }
  return undefined;
}

const SHELL_WORD = /\n|[;|&()]{1,2}|(?:"[^"]{0,1024}"|'[^']{0,1024}'|\\[^]|[^\s"'\\;|&()]){1,1024}/g;
const SEPARATOR = /^(?:\n|[;|&()]{1,2})$/;

/** A word as a program gets it. What a shell puts in stays as it is written; a line that goes on is none. */
function unquoted(word: string): string {
  return word.replaceAll(/\\\n|["']/g, '');
}

/** Where the program stands among words. */
function programAt(words: readonly string[]): number {
  let index = 0;
  for (let isWrapped = false; index < words.length; index++) {
    const word = words[index] as string;
    if (BEFORE.test(word)) isWrapped = true;
    else if (!ASSIGNMENT.test(word) && !(isWrapped && OF_BEFORE.test(word))) break;
  }
  return index;
}

const LONGEST_PASSWORD = 1024;

/** Another flag is none, nor what looks like a port; nor what a shell puts together. */
function isPassword(text: string): boolean {
  if (text.length > LONGEST_PASSWORD || text.startsWith('-') || /^[0-9]{1,5}$/.test(text)) return false;
  return !/[$`]|\{\{/.test(text) && isRealPassword(text);
}
