/** Which path is whose. */
import * as answers from "./answers";
import { isSlug } from "./config";
import { control } from "./control";
import type { Env } from "./env";
import { takeWebhook } from "./intake";

const HOOKS = "/hooks/";
const CONTROL = "/control/";

/** Returns the answer to a request. */
export async function route(request: Request, env: Env): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/healthz") return answers.plain("ok\n");
  if (pathname.startsWith(HOOKS)) {
    const slug = pathname.slice(HOOKS.length);
    if (!isSlug(slug)) return answers.notFound();
    return request.method === "POST" ? takeWebhook(request, env, slug) : answers.methodNotAllowed("POST");
  }
  if (pathname.startsWith(CONTROL)) {
    if (request.method !== "POST") return answers.methodNotAllowed("POST");
    return control(request, env, pathname.slice(CONTROL.length));
  }
  return answers.notFound();
}
