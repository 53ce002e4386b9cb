/**
 * Fetches documents. The metadata of a document that is stored at Tradecloud contains a presigned link to its content.
 * If that link cannot be reached, the content is requested from the API. The link is a secret until it expires: no
 * error and no debug line contains it.
 */
import { checkEntityId } from '../events/entity'
import { parseJson } from '../bytes/json'
import { isLoopback } from '../net/loopback'
import { TradecloudApiError } from './api-error'
import { describeGet, type Call } from './call'
import { Downloads, textOr, type DownloadedDocument } from './downloads'
import { contentFailureOf, uselessAnswer, type RequestFailure } from './failure'
import type { Flight, Flights } from './flights'
import type { ApiRequests } from './requests'
import type { OpenAnswer, OpenOutcome } from './outcome'
import type { Transport } from './transport'
import { UrlDocuments } from './url-documents'

/** As Tradecloud sent it: a value may be missing or differ from its type. */
export interface DocumentMetadata {
  id: string
  filename: string
  /** May be `application/octet-stream` for a PDF. */
  contentType: string
  /** A link to the content that works without credentials for about a minute: do not log it. */
  downloadUrl: string
  [field: string]: unknown
}

/** A document of an order, a line or a shipment, or an object with only the ID of its file. */
export interface DocumentReference {
  /** Takes precedence over `url`. */
  objectId?: string | null | undefined
  /** Fetched only from the hosts that the option `documentHosts` names. */
  url?: string | null | undefined
}

export interface DocumentsOptions {
  baseUrl: string
  fetchTimeoutMs: number
  documentHosts: ReadonlySet<string>
  maxDocumentBytes: number
  downloadTimeoutMs: number
}

type OpenedLink = { ok: true; answer: OpenAnswer } | { ok: false; failure: RequestFailure; answered: boolean }

export class Documents {
  readonly #flights: Flights
  readonly #requests: ApiRequests
  readonly #transport: Transport
  readonly #options: DocumentsOptions
  readonly #downloads: Downloads
  readonly #urlDocuments: UrlDocuments

  constructor(flights: Flights, requests: ApiRequests, transport: Transport, options: DocumentsOptions) {
    this.#flights = flights
    this.#requests = requests
    this.#transport = transport
    this.#options = options
    this.#downloads = new Downloads(options)
    this.#urlDocuments = new UrlDocuments(flights, transport, this.#downloads, options)
  }

  async metadata(objectId: string, signal: AbortSignal | undefined): Promise<DocumentMetadata> {
    const path = `${pathOf(objectId)}/metadata`
    const caller = { signal, timeoutMs: this.#options.fetchTimeoutMs }
    return this.#flights.join(undefined, describeGet(path), caller, (flight) => this.#metadata(flight, path))
  }

  async download(document: DocumentReference, signal: AbortSignal | undefined): Promise<DownloadedDocument> {
    const { objectId, url } = (document as DocumentReference | null | undefined) ?? {}
    const id = textOr(objectId, '')
    if (id === '') {
      if (typeof url === 'string' && url !== '') return this.#urlDocuments.download(url, signal)
      const problem = 'The document has neither `objectId` nor `url`: it has no file'
      throw new TradecloudApiError('no_content', problem, { attempts: 0 })
    }
    const what = describeGet(`${pathOf(id)}/metadata`)
    const caller = { signal, timeoutMs: this.#options.fetchTimeoutMs }
    return this.#flights.join(undefined, what, caller, (flight) => this.#download(flight, id, signal))
  }

  close(): void {
    this.#downloads.close()
  }

  async #metadata(flight: Flight, path: string): Promise<DocumentMetadata> {
    const { body } = await this.#requests.send(flight, () => ({ method: 'GET', path }), { notFoundRetryMs: 0 })
    const parsed = parseJson(body)
    if (!parsed.ok) throw flight.call.error(uselessAnswer(parsed.reason))
    if (typeof parsed.value !== 'object' || parsed.value === null) {
      throw flight.call.error(uselessAnswer('the body is not a JSON object'))
    }
    return parsed.value as DocumentMetadata
  }

  async #download(flight: Flight, objectId: string, signal: AbortSignal | undefined): Promise<DownloadedDocument> {
    const { call } = flight
    const path = pathOf(objectId)
    let renewed = false
    /** Set once the link has failed and the API has refused to send the content: the status of the API's response. */
    let refused: number | undefined
    for (;;) {
      const metadata = await this.#metadata(flight, `${path}/metadata`)
      const { filename, contentType, downloadUrl } = metadata
      const document = { call, what: describeGet(path), filename: textOr(filename, objectId), contentType, signal }
      const link = await this.#openLink(call, downloadUrl)
      if (link.ok) return this.#downloads.begin(link.answer, document)
      const { failure } = link
      // Any 4xx other than 429 may mean that the link has expired: how its host responds to an expired link is not
      // documented.
      const { status = 0 } = failure
      if (status >= 400 && status < 500 && status !== 429 && !renewed && !call.waitSignal.aborted) {
        renewed = true
        continue
      }
      // The content is requested from the API, because the link's host may be unreachable from a closed network, or a
      // filter may respond instead of that host. A 429 or 5xx of the link's host is temporary, so a new link is tried
      // instead of the API.
      if (!(link.answered && failure.retry) && refused === undefined) {
        const content = await this.#throughTradecloud(flight, path)
        if (typeof content === 'object') return this.#downloads.begin(content, document)
        refused = content
      }
      const more = refused === undefined ? '' : `, and Tradecloud itself answered ${refused}`
      await call.backOff({ ...failure, text: failure.text + more })
    }
  }

  async #openLink(call: Call, link: unknown): Promise<OpenedLink> {
    const problem = this.#checkLink(link)
    if (problem !== undefined) return { ok: false, failure: uselessAnswer(problem), answered: false }
    call.attempts++
    const outcome = await this.#transport.open(String(link), call.requestSignal, 'tradecloud')
    if (outcome.type === 'aborted') throw call.ending
    const answered = outcome.type === 'open'
    if (answered && outcome.status === 200) return { ok: true, answer: outcome }
    if (answered) outcome.body.destroy()
    return { ok: false, failure: linkFailure(outcome), answered }
  }

  /** Requests the content from the API, with the token. Resolves with only the status if a retry cannot help. */
  async #throughTradecloud(flight: Flight, path: string): Promise<OpenAnswer | number> {
    const amend = (failure: RequestFailure) => {
      return {
        ...failure,
        text: `returned a link that cannot be reached, and the request to Tradecloud's API ${failure.text}`,
      }
    }
    try {
      return await this.#requests.open(flight, { method: 'GET', path }, { amend })
    } catch (error) {
      const { apiStatus = 0 } = error as Partial<TradecloudApiError>
      if (apiStatus > 200 && apiStatus < 500 && apiStatus !== 429) return apiStatus
      throw error
    }
  }

  /** The reason for refusing a link. A link may be http only if its host and the API are both on this machine. */
  #checkLink(link: unknown): string | undefined {
    if (typeof link !== 'string' || link === '') return 'it contains no `downloadUrl`'
    if (!URL.canParse(link)) return 'its `downloadUrl` is not a URL'
    const { protocol, hostname } = new URL(link)
    if (protocol === 'https:') return undefined
    const local = isLoopback(new URL(this.#options.baseUrl).hostname) && isLoopback(hostname)
    return protocol === 'http:' && local ? undefined : 'its `downloadUrl` is not https'
  }
}

function pathOf(objectId: string): string {
  const problem = typeof (objectId as unknown) === 'string' ? checkEntityId(objectId) : 'is not a string'
  if (problem !== undefined) throw new TradecloudApiError('invalid_id', `The object ID ${problem}`, { attempts: 0 })
  return `/object-storage/document/${encodeURIComponent(objectId)}`
}

function linkFailure(outcome: Exclude<OpenOutcome, { type: 'aborted' }>): RequestFailure {
  const failure = contentFailureOf(outcome)
  // The cause is left out: it may contain the host and more of the link.
  const text = failure.cause === undefined ? failure.text : 'failed'
  return { ...failure, text: `returned a link that ${text}`, cause: undefined }
}
