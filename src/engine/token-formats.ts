/**
 * Formats of tokens and keys, each by what its issuer documents. What is found is named; the text itself is never returned.
 *
 * Every pattern runs in time linear in the text: repetitions are bounded or follow a literal.
 */
import { tableOf } from './character-table.ts';

/**
 * Token formats, each by what its issuer documents. `$` in a value would be a reference, so nearly none of them contains it.
 * test/engine/credentials/formats.yaml holds what they must find, innocent.yaml what they must not.
 */
type Format = readonly [name: string, pattern: RegExp];
const FORMATS: readonly Format[] = [
  [
    'a private key',
    /PuTTY-User-Key-File-\d|LS0tLS1CRUdJTi(?:BSU0EgUFJJVkFURS|BQUklWQVRFIE|BFQyBQUklWQVRFIE|BPUEVOU1NIIFBSSVZBVEUg|BFTkNSWVBURUQgUFJJVkFURS|BEU0EgUFJJVkFURS)/,
  ],
  ['an AWS access key', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/],
  ['an AWS Bedrock key', /\bABSK[A-Za-z0-9+/]{109}/],
  ['a GitHub token', /\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{50}/],
  ['a GitLab token', /\bgl(?:pat|dt|rt|rtr|ptt|cbt|soat|ft|imt|agent)-[\w-]{20}/],
  ['a Slack token', /\bxox[abeoprs]-[A-Za-z0-9-]{10}|\bxapp-\d-[A-Z0-9]{8,12}-\d{8,16}-[0-9a-f]{32}/],
  [
    'a Slack webhook',
    /hooks\.slack\.com\/(?:services\/T\w{6,20}\/B\w{6,20}\/\w{16}|(?:triggers|workflows)\/T\w{6,20}\/\w{8,24}\/\w{16})/,
  ],
  ['an API key of Anthropic', /\bsk-ant-[\w-]{20}/],
  ['an OpenRouter key', /\bsk-or-v1-[0-9a-f]{32}/],
  ['an API key of OpenAI', /\bsk-(?:(?:proj|svcacct|admin|None)-[\w-]{20}|[A-Za-z0-9]{20})/],
  ['a Google API key', /\bAIza[\w-]{35}/],
  ['a Google OAuth secret', /\bGOCSPX-[\w-]{28}/],
  ['a Google OAuth token', /\bya29\.[\w-]{32}/],
  ['a Hugging Face token', /\bhf_[A-Za-z0-9]{30}/],
  ['a Stripe key', /\b[rs]k_(?:live|test)_[A-Za-z0-9]{16}/],
  ['a Stripe webhook secret', /\bwhsec_[A-Za-z0-9+/]{24}/],
  ['a SendGrid key', /\bSG\.[\w-]{16,64}\.[\w-]{16}/],
  ['a Twilio key', /\bSK[0-9a-f]{32}\b/],
  ['an npm token', /\bnpm_[A-Za-z0-9]{36}/],
  ['a PyPI token', /\bpypi-AgE[\w-]{36}/],
  ['a DigitalOcean token', /\bdo[opr]_v1_[0-9a-f]{64}/],
  ['a Vault token', /\bhv[sbr]\.[\w-]{24}/],
  ['a Databricks token', /\bdapi[0-9a-f]{32}/],
  ['a Grafana token', /\bglsa_[A-Za-z0-9]{32}_[0-9a-f]{8}|\bglc_eyJ[A-Za-z0-9+/]{32}/],
  ['a Docker Hub token', /\bdckr_(?:pat|oat)_[\w-]{24}/],
  ['a 1Password token', /\bops_eyJ[\w-]{64}/],
  ['a Sentry token', /\bsntry(?:u_[0-9a-f]{64}|s_eyJ[\w+/-]{32})/],
  ['a JSON Web Token', /(?<![\w-])eyJ[\w-]{8,4096}\.eyJ[\w-]{8,4096}\.[\w-]/],
  ['an Azure DevOps token', /\b[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}\b/],
  ['an Alibaba Cloud access key', /(?<![\w+/-])LTAI[A-Za-z0-9]{12,20}(?![\w+/=-])/],
  ['a Cloudflare key', /\bv1\.0-[0-9a-f]{24}-[0-9a-f]{100}/],
  ['a Heroku token', /\bHRKU-[\w-]{36}/],
  ['a Netlify token', /\bnfp_[A-Za-z0-9]{36}/],
  ['a Fly token', /\bfm[12]_[A-Za-z0-9+/]{64}/],
  ['a Supabase key', /\bsbp_[0-9a-f]{40}|\bsb_secret_[\w-]{20}/],
  ['a PlanetScale token', /\bpscale_(?:pw|tkn|oauth)_[\w-]{32}/],
  ['a Bitbucket app password', /\bATBB[A-Za-z0-9]{32}\b/],
  ['an Atlassian token', /\bAT(?:ATT|CTT)3xFfG[\w-]{100}/],
  ['a CircleCI token', /\bCCI(?:PAT|PRJ)_[A-Za-z0-9]{16,32}_[0-9a-f]{40}/],
  ['a Buildkite token', /\bbk(?:ua|aj|ct)_[0-9a-f]{40}/],
  ['a SonarQube token', /\bsq[uap]_[0-9a-f]{40}/],
  ['a Terraform Cloud token', /\b[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60}/],
  ['a Pulumi token', /(?<![\w-])pul-[0-9a-f]{40}\b/],
  ['a RubyGems key', /\brubygems_[0-9a-f]{48}/],
  ['a crates.io token', /(?<![\w-])cio[A-Za-z0-9]{32}\b/],
  ['a NuGet key', /(?<![\w-])oy2[a-z0-9]{43}\b/],
  ['an Artifactory key', /(?<![\w+/-])AKCp[A-Za-z0-9]{69}\b/],
  ['a Discord webhook', /discord(?:app)?\.com\/api\/webhooks\/\d{16,20}\/[\w-]{60}/],
  ['a Discord token', /(?<![\w-])[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,38}(?![\w-])/],
  ['a Telegram token', /(?<![\w-])\d{8,10}:AA[\w-]{33}(?![\w-])/],
  [
    'a Microsoft Teams webhook',
    /\.webhook\.office\.com\/webhookb2\/[0-9a-f-]{36}@[0-9a-f-]{36}\/\w{8,32}\/[0-9a-f]{32}/,
  ],
  ['a Groq key', /\bgsk_[A-Za-z0-9]{52}/],
  ['a Replicate token', /\br8_[A-Za-z0-9]{37}/],
  ['a Perplexity key', /\bpplx-[A-Za-z0-9]{40}/],
  ['an xAI key', /\bxai-[A-Za-z0-9]{70}/],
  ['an NVIDIA key', /\bnvapi-[\w-]{60}/],
  ['a LangSmith key', /\blsv2_(?:pt|sk)_[0-9a-f]{32}/],
  ['a Pinecone key', /\bpcsk_[A-Za-z0-9]{4,8}_[A-Za-z0-9]{50}/],
  ['a Square token', /(?<![\w+/-])EAAA[\w-]{60}(?![\w+/=-])|\bsq0(?:atp|csp)-[\w-]{22}/],
  ['a Braintree token', /\baccess_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}/],
  ['a Plaid token', /\baccess-(?:production|development|sandbox)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/],
  ['a Shopify token', /\bshp(?:at|ss|ca|pa)_[0-9a-fA-F]{32}/],
  ['a Mailgun key', /(?<![\w-])(?:key-[0-9a-f]{32}|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8})(?![\w-])/],
  ['a Mailchimp key', /\b[0-9a-f]{32}-us\d{1,2}\b/],
  ['a Brevo key', /\bxkeysib-[0-9a-f]{64}-\w{16}/],
  ['a Resend key', /(?<![\w-])re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}(?![\w-])/],
  ['a New Relic key', /\bNRAK-[A-Z0-9]{27}|\b[0-9a-f]{36}NRAL\b/],
  ['a Dynatrace token', /\bdt0[a-z]\d\d\.[A-Z2-7]{24}\.[A-Z2-7]{64}/],
  ['a Doppler token', /(?<![\w-])dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[\w-]{2,35}\.)?[A-Za-z0-9]{40}/],
  ['a Tailscale key', /\btskey-[a-z]{3,10}-[A-Za-z0-9-]{20}/],
  ['an age key', /\bAGE-SECRET-KEY-1[A-Z0-9]{58}/],
  ['a Linear key', /\blin_(?:api|oauth)_[A-Za-z0-9]{32}/],
  ['a Notion token', /\bntn_\d{11}[A-Za-z0-9]{35}/],
  ['a Figma token', /\bfigd_[\w-]{40}/],
  ['an Airtable token', /\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}/],
  ['a Postman key', /\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}/],
];

/** One pass over a text that none of FORMATS can be in. No flag `i`: it costs several times as much. */
const FORMAT_HINT =
  /PuTTY-|LS0tLS1CRUdJTi|A[KS]IA|ABSK|gh[pousr]_|github_pat|gl[a-z]{2,5}-|xox[a-z]-|xapp-|hooks\.slack|sk-|AIza|GOCSPX|ya29\.|hf_|[rs]k_|whsec_|SG\.|SK[0-9a-f]{8}|npm_|pypi-|_v1_|hv[sbr]\.|dapi|gl(?:sa|c)_|dckr_|ops_|sntry|eyJ|AZDO|LTAI|v1\.0-|HRKU-|nfp_|fm[12]_|sbp_|sb_s|pscale_|AT(?:BB|ATT3|CTT3)|CCIP|bk[a-z]{2}_|sq[uap0]|\.atlasv1|pul-|rubygems_|cio|oy2|AKCp|discord|\.[\w-]{6}\.[\w-]{27}|:AA|\.webhook\.|gsk_|r8_|pplx-|xai-|nvapi-|lsv2_|pcsk_|EAAA|access[_-]|shp[a-z]{2}_|key-[0-9a-f]|[0-9a-f]{32}-|xkeysib|re_|NRA[KL]|dt0[a-z]|dp\.|tskey-|AGE-S|lin_|ntn_|figd_|pat[A-Za-z0-9]{14}\.|PMAK/;

/** The shortest run of letters, digits, `_` and `-` that each of FORMATS holds somewhere. */
const RUN = 15;
const IN_RUN = tableOf((character) => /[\w-]/.test(character));

/** Are there RUN characters in a row of which tokens are made? Reads a part of the text only where there are not. */
function hasRun(text: string): boolean {
  let start = 0;
  while (start + RUN <= text.length) {
    let at = start + RUN - 1;
    while (at >= start && IN_RUN[text.charCodeAt(at)] === 1) at--;
    if (at < start) return true;
    start = at + 1;
  }
  return false;
}

/** Formats that need no such run, but one of the characters or words that `credentialIn` looks for first. */
const PLACED_FORMATS: readonly Format[] = [
  ['a private key', /-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----/],
  ['an Azure storage key', /\b(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40}/i],
  ['an Azure shared access signature', /[?&]sig=(?:[A-Za-z0-9+/]|%2[BFbf]){40}/],
  ['an Azure client secret', /(?<![\w~.-])[\w~.]{3}\dQ~[\w~.-]{31}/],
  ['a registry login', /"auths"[^]{0,512}?"auth" {0,4}: {0,4}"[A-Za-z0-9+/]{12}/],
];

/** The name of the first of the formats that a text holds anywhere. */
export function tokenIn(text: string): string | undefined {
  return hasRun(text) && FORMAT_HINT.test(text) ? firstOf(FORMATS, text) : undefined;
}

/** The same for formats of which each holds `=`, `~`, `-----BEGIN` or `"auths"`, which the caller has seen. */
export function placedTokenIn(text: string): string | undefined {
  return firstOf(PLACED_FORMATS, text);
}

function firstOf(formats: readonly Format[], text: string): string | undefined {
  return formats.find(([, pattern]) => pattern.test(text))?.[0];
}
