/** How messages are put together into requests: pure decisions. */
import { grouped } from "./groups";
import type { Message } from "./messages";

/** Of messages, and of their raw bodies, in one request. */
export const MOST = { count: 100, bytes: 2_000_000 };

/** One message as the queue delivered it. */
export interface Delivery {
  readonly message: Message;
  /** This attempt's number, from 1. */
  readonly attempts: number;
  ack(): void;
  retry(options: { delaySeconds: number }): void;
}

/** Returns the deliveries in groups that are small enough for one request, in their order. */
export function split(deliveries: readonly Delivery[]): Delivery[][] {
  return grouped(deliveries, MOST, ({ message }) => message.size);
}

/** Returns a message as the origin reads it. */
export function onTheWire({ message, attempts }: Delivery, body: string): Record<string, unknown> {
  const { v: _version, redrives: _redrives, body_ref: _place, ...fields } = message;
  return { ...fields, edge_attempts: attempts, body };
}
