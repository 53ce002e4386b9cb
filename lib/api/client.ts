/** The public client of Tradecloud's REST API. */
import { checkEntityId } from '../events/entity'
import { readEntity, type FetchedEntity } from './entity'
import { quote } from '../bytes/quote'
import type { Order, Shipment, SingleDeliveryOrder } from '../schema/types'
import { TradecloudApiError } from './api-error'
import { within } from '../wait/within'
import { describeGet } from './call'
import type { ResolvedClientOptions, TradecloudClientOptions } from './client-options'
import type { DocumentMetadata, DocumentReference } from './documents'
import type { DownloadedDocument } from './downloads'
import type { ApiEngine } from './engine'
import { uselessAnswer } from './failure'
import type {
  OrderPollFilters,
  PolledOrder,
  PolledShipment,
  PolledSingleDeliveryOrder,
  PollOptions,
  ShipmentPollFilters,
} from './poll-options'
import type { Polled } from './poll'
import type { RateLimit } from './rate-limit'

export interface FetchOptions {
  /** Aborts the call, with code `unavailable` and the signal's reason as `cause`. Default: none. */
  signal?: AbortSignal | undefined
}

/**
 * Fetches from Tradecloud. Logs in, renews its token, and retries after 429, 5xx, broken connections and time-outs, all
 * within `fetchTimeoutMs`. A failed request rejects with a `TradecloudApiError`. The client shows no secret when it is
 * logged.
 *
 * ```ts
 * const client = new TradecloudClient({ environment: 'acceptance', username, password })
 * const order = await client.getOrder(orderId)
 * await client.close()
 * ```
 */
export class TradecloudClient {
  // `#private`, not only TypeScript's `private`: secrets must not be shown when the client is logged.
  readonly #options: Pick<ResolvedClientOptions, 'requestTimeoutMs' | 'fetchTimeoutMs' | 'notFoundRetryMs'>
  readonly #engine: ApiEngine
  readonly #ownFetchTimeoutMs: number | undefined
  readonly #account: { baseUrl: string; username: string | undefined }
  #closing: Promise<void> | undefined

  /**
   * Sends nothing yet. Throws a `TradecloudWebhookError` with code `invalid_option`, which names the option, if an
   * option is not valid.
   */
  constructor(options: TradecloudClientOptions)
  /**
   * Creates a client with another rate limit, for tests and benchmarks.
   *
   * @internal
   */
  // eslint-disable-next-line @typescript-eslint/unified-signatures -- the second one is left out of the published types
  constructor(options: TradecloudClientOptions, rate: RateLimit)
  constructor(options: TradecloudClientOptions, rate?: RateLimit) {
    // Loaded lazily: not every webhook needs a client.
    const { resolveClientOptions } = require('./client-options') as typeof import('./client-options')
    const resolved = resolveClientOptions(options)
    const { requestTimeoutMs, fetchTimeoutMs, notFoundRetryMs } = resolved
    this.#ownFetchTimeoutMs = options.fetchTimeoutMs
    this.#account = { baseUrl: resolved.baseUrl, username: options.username }
    this.#options = { requestTimeoutMs, fetchTimeoutMs, notFoundRetryMs }
    const { ApiEngine } = require('./engine') as typeof import('./engine')
    this.#engine = new ApiEngine(resolved, rate)
  }

  /** The order with all its lines, as Tradecloud sent it: a value may differ from its type. */
  async getOrder(orderId: string, options: FetchOptions = {}): Promise<Order> {
    const { entity } = await this.fetchEntity('order', orderId, { signal: options.signal })
    return entity
  }

  /** The shipment with all its lines, as Tradecloud sent it: a value may differ from its type. */
  async getShipment(shipmentId: string, options: FetchOptions = {}): Promise<Shipment> {
    const { entity } = await this.fetchEntity('shipment', shipmentId, { signal: options.signal })
    return entity
  }

  /**
   * Yields the orders that the Tradecloud user may see and that changed after `lastUpdatedAfter`, in Tradecloud's order
   * (oldest change first, as far as known). Finally yields the new cursor. A poll that ends early or throws yields no
   * cursor: start again from the stored cursor. If an option is not valid, the call itself throws `invalid_option`. If
   * a request fails, the poll throws a `TradecloudApiError`.
   *
   * An order that changes during the poll is not skipped: it is yielded in its old state, in its new state, or in both,
   * so an order may be yielded twice. It is not documented whether a poll includes changes in the same millisecond as
   * its cursor. If a poll excludes them, it misses an order that was read by the previous poll and then changed again
   * in that millisecond.
   *
   * Keeps one page in memory. Each page may take `fetchTimeoutMs`. If a page is too large or too slow, breaks off, or
   * is answered with 413 or 5xx, it is requested again with half the `limit`. The `limit` grows again later.
   *
   * ```ts
   * for await (const found of client.pollOrders({ lastUpdatedAfter: await load() })) {
   *   if (found.type === 'order') await save(found.order)
   *   else await store(found.lastUpdatedAt)
   * }
   * ```
   */
  pollOrders(options: PollOptions<OrderPollFilters>): AsyncGenerator<PolledOrder, void, undefined> {
    return this.#engine.poller.poll('/order-search/poll', options, (order: Order) => ({
      type: 'order' as const,
      order,
    }))
  }

  /** Like `pollOrders`, but in single delivery form: one delivery per line. */
  pollSingleDeliveryOrders(
    options: PollOptions<OrderPollFilters>,
  ): AsyncGenerator<PolledSingleDeliveryOrder, void, undefined> {
    const wrap = (order: SingleDeliveryOrder) => ({ type: 'order' as const, order })
    return this.#engine.poller.poll('/order-search/poll/single-delivery', options, wrap)
  }

  /** Like `pollOrders`, for shipments. */
  pollShipments(options: PollOptions<ShipmentPollFilters>): AsyncGenerator<PolledShipment, void, undefined> {
    return this.#engine.poller.poll('/shipment/poll', options, (shipment: Shipment) => ({
      type: 'shipment' as const,
      shipment,
    }))
  }

  /**
   * Like `pollOrders`, for the catch-up: yields each page in addition to its entities, and skips an entity that cannot
   * be read.
   * @internal
   */
  readPages(
    list: 'order-search/poll' | 'order-search/poll/single-delivery' | 'shipment/poll',
    options: PollOptions<object>,
  ): AsyncGenerator<Polled, void, undefined> {
    return this.#engine.poller.read(`/${list}`, options)
  }

  /**
   * The metadata of a document that is stored at Tradecloud, with a link to its content. Rejects with `not_found` if it
   * was deleted.
   */
  getDocumentMetadata(objectId: string, options: FetchOptions = {}): Promise<DocumentMetadata> {
    return this.#engine.documents.metadata(objectId, options.signal)
  }

  /**
   * The content of a document that is stored at Tradecloud, by its `objectId`. Requests the metadata, and opens the
   * link in it at once, without Tradecloud's token. If the link has expired, one new link is requested. If the link
   * cannot be reached, as in a closed network, the content is fetched from Tradecloud's API instead. Links are opened
   * over https; http is allowed only on this machine. Redirects are not followed. Links do not count as requests to the
   * API.
   *
   * `fetchTimeoutMs` limits the time until the headers. `downloadTimeoutMs` and `maxDocumentBytes` limit the content.
   * The signal aborts both the wait and the content. The content may be anything that a company has uploaded. Read the
   * stream, or destroy it.
   *
   * A document with only a `url` is on a server of another company. It is fetched only from a host in the option
   * `documentHosts`, over https, with a verified certificate, without credentials or redirects, and with the limits
   * above. For each attempt, the host name is resolved and all its addresses are checked. If any address is private,
   * loopback, link-local or otherwise not public, nothing is sent. Otherwise the connection goes to a checked address.
   * Tradecloud's virus scanner has not seen such a document.
   *
   * Rejects with the errors of `getOrder`, and with these codes:
   *
   * - `unsupported_document`: the document has only a `url`, and `documentHosts` names no host
   * - `document_not_allowed`: the `url` must not be fetched
   * - `no_content`: the document has no file
   * - `not_found`: the file was deleted
   *
   * ```ts
   * const { stream, filename } = await client.downloadDocument(document)
   * await pipeline(stream, createWriteStream(join(folder, basename(filename))))
   * ```
   */
  downloadDocument(document: DocumentReference, options: FetchOptions = {}): Promise<DownloadedDocument> {
    return this.#engine.documents.download(document, options.signal)
  }

  /**
   * Logs out, ends all downloads, and closes the connections, except those of the option `httpsAgent`. Takes at most
   * `requestTimeoutMs`. In this time, running requests may finish, but they are not retried. Calls that still wait, and
   * later calls, reject with code `unavailable`. `close()` itself never rejects.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /**
   * The option `fetchTimeoutMs` of this client, if it was set. It takes precedence over the webhook's own
   * `fetchTimeoutMs`.
   * @internal
   */
  get ownFetchTimeoutMs(): number | undefined {
    return this.#ownFetchTimeoutMs
  }

  /**
   * Identifies the account whose orders a poll returns. `username` is `undefined` with the option `credentials`. A
   * method rather than a getter, so that the user name is not shown when the client is logged.
   * @internal
   */
  account(): { baseUrl: string; username: string | undefined } {
    return this.#account
  }

  /**
   * Fetches an order or a shipment. The webhook sets `timeoutMs`, which replaces `fetchTimeoutMs`.
   * @internal
   */
  async fetchEntity(
    kind: 'order' | 'shipment',
    id: string,
    { signal, timeoutMs = this.#options.fetchTimeoutMs }: FetchOptions & { timeoutMs?: number | undefined } = {},
  ): Promise<FetchedEntity> {
    const problem = typeof (id as unknown) === 'string' ? checkEntityId(id) : 'is not a string'
    if (problem !== undefined) {
      const shown = problem === 'is not a string' ? '' : ` ${quote(id)}`
      throw new TradecloudApiError('invalid_id', `The ${kind} ID${shown} ${problem}`, { attempts: 0 })
    }
    const path = `/${kind}/${encodeURIComponent(id)}`
    const what = describeGet(path)
    const { notFoundRetryMs } = this.#options
    const { body, call } = await this.#engine.flights.join(path, what, { signal, timeoutMs }, async (flight) => {
      const answer = await this.#engine.requests.send(flight, () => ({ method: 'GET', path }), { notFoundRetryMs })
      return { body: answer.body, call: flight.call }
    })
    // Parsed once for each caller: callers that share a response must not see each other's changes.
    const read = readEntity(body)
    if (!read.ok) throw call.error(uselessAnswer(read.reason))
    const { entity, contentHash, removedKeys } = read
    return { entity, contentHash, removedKeys }
  }

  async #close(): Promise<void> {
    const closing = Promise.all([this.#engine.flights.close(), this.#engine.session.close()])
    await within(this.#options.requestTimeoutMs, closing, () => undefined)
    this.#engine.close()
  }
}
