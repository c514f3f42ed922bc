/** What one source is set to, checked before it is kept. */
import { type Network, parseNetwork } from "./addresses";
import { isPrivateHeader } from "./headers";
import { type SchemeName, isSchemeName, secretHeadersOf } from "./schemes";

export const MOST_BYTES = 10_000_000;
export const RATES = ["low", "normal", "high"] as const;
const ALGORITHMS = ["sha1", "sha256", "sha384", "sha512"] as const;
const ENCODINGS = ["hex", "base64"] as const;
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;
const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** How the sender proves themselves, as far as a scheme leaves that open. Empty where it does not. */
export interface Options {
  readonly header: string;
  readonly algorithm: (typeof ALGORITHMS)[number];
  readonly encoding: (typeof ENCODINGS)[number];
  readonly prefix: string;
  readonly template: string;
  readonly timestamp_header: string | null;
  readonly id_header: string | null;
}

export interface SourceConfig {
  readonly v: 1;
  readonly enabled: boolean;
  readonly scheme: SchemeName;
  readonly options: Options;
  readonly tolerance_seconds: number;
  readonly window_seconds: number;
  readonly key_header: string | null;
  readonly ip_allow: readonly string[];
  readonly rate: (typeof RATES)[number];
  readonly max_bytes: number;
  readonly content_types: readonly string[];
}

/** A configuration cannot be used; the message says which field and why. */
export class ConfigError extends Error {}

type Fields = Record<string, unknown>;

/** Returns whether a text can be the name of a source. */
export function isSlug(text: unknown): text is string {
  return typeof text === "string" && SLUG.test(text);
}

/** Returns a source's configuration with its defaults filled in. Throws ConfigError. */
export function parseConfig(value: unknown): SourceConfig {
  const fields = object(value, "config");
  if (fields["v"] !== 1) throw new ConfigError("v must be 1");
  if (typeof fields["enabled"] !== "boolean") throw new ConfigError("enabled must be true or false");
  if (!isSchemeName(fields["scheme"])) throw new ConfigError("scheme is none of those that are known");
  const scheme = fields["scheme"];
  const config: SourceConfig = {
    v: 1,
    enabled: fields["enabled"],
    scheme,
    options: parseOptions(scheme, object(fields["options"] ?? {}, "options")),
    tolerance_seconds: number(fields, "tolerance_seconds", 300, [1, 86_400]),
    window_seconds: number(fields, "window_seconds", 600, [1, 31 * 86_400]),
    key_header: headerName(fields, "key_header"),
    ip_allow: texts(fields, "ip_allow", (text) => parseNetwork(text) !== null),
    rate: oneOf(fields, "rate", RATES, "normal"),
    max_bytes: number(fields, "max_bytes", MOST_BYTES, [1, MOST_BYTES]),
    content_types: texts(fields, "content_types", (text) => /^[\w.+*-]+\/[\w.+*-]+$/.test(text)),
  };
  refuseSecretIds(config);
  return config;
}

/** Returns the networks a source may send from; none means from everywhere. */
export function networksOf(config: SourceConfig): Network[] {
  return config.ip_allow.map(parseNetwork).filter((network) => network !== null);
}

function parseOptions(scheme: SchemeName, fields: Fields): Options {
  const options: Options = {
    header: headerName(fields, "header") ?? "",
    algorithm: oneOf(fields, "algorithm", ALGORITHMS, "sha256"),
    encoding: oneOf(fields, "encoding", ENCODINGS, "hex"),
    prefix: shortText(fields, "prefix", ""),
    template: shortText(fields, "template", "{body}"),
    timestamp_header: headerName(fields, "timestamp_header"),
    id_header: headerName(fields, "id_header"),
  };
  if (scheme !== "hmac" && scheme !== "header") return { ...options, header: "" };
  if (options.header === "") throw new ConfigError("options.header must name a header");
  if (!options.template.includes("{body}")) throw new ConfigError("options.template must contain {body}");
  // A time that is not signed proves nothing, and one that is signed must come from somewhere.
  if (options.template.includes("{timestamp}") !== (options.timestamp_header !== null))
    throw new ConfigError("options.timestamp_header and {timestamp} in options.template need each other");
  if (options.template.includes("{id}") && options.id_header === null)
    throw new ConfigError("{id} in options.template needs options.id_header");
  return options;
}

function object(value: unknown, name: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ConfigError(`${name} must be an object`);
  return value as Fields;
}

function number(fields: Fields, name: string, fallback: number, [least, most]: [number, number]): number {
  const value = fields[name] ?? fallback;
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most)
    throw new ConfigError(`${name} must be a whole number from ${least} to ${most}`);
  return value;
}

function oneOf<T extends string>(fields: Fields, name: string, choices: readonly T[], fallback: T): T {
  const found = choices.find((choice) => choice === (fields[name] ?? fallback));
  if (found === undefined) throw new ConfigError(`${name} must be one of ${choices.join(", ")}`);
  return found;
}

function shortText(fields: Fields, name: string, fallback: string): string {
  const value = fields[name] ?? fallback;
  if (typeof value !== "string" || value.length > 200) throw new ConfigError(`${name} must be a short text`);
  return value;
}

function texts(fields: Fields, name: string, right: (text: string) => boolean): string[] {
  const value = fields[name] ?? [];
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string" && right(item)))
    throw new ConfigError(`${name} must be a list, and an entry cannot be read`);
  return value;
}

function headerName(fields: Fields, name: string): string | null {
  const value = fields[name] ?? null;
  if (value === null || value === "") return null;
  if (typeof value !== "string" || !HEADER_NAME.test(value)) throw new ConfigError(`${name} must name a header`);
  return value.toLowerCase();
}

/** An event's key is stored and shown: a credential must not become one. */
function refuseSecretIds(config: SourceConfig): void {
  const secret = secretHeadersOf(config);
  for (const name of [config.key_header, config.options.id_header]) {
    if (name !== null && (isPrivateHeader(name) || secret.has(name)))
      throw new ConfigError(`${name} holds a credential or a signature and cannot be an event's key`);
  }
}
