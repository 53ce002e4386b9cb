/**
 * Documents: which way leads to their content. For those that are stored at Tradecloud their metadata, and the content
 * from the presigned link that the metadata hold. The link is a secret for as long as it lives: it stands in no error and
 * no debug line.
 */
import { checkEntityId } from '../entity-id'
import { parseJson } from '../json'
import { isLoopback } from '../loopback'
import { TradecloudApiError } from './api-error'
import { Downloads, textOr, type DownloadedDocument } from './downloads'
import { contentFailureOf, uselessAnswer, type Failure } from './failure'
import type { Flight, Flights } from './flights'
import type { Requests } from './requests'
import type { OpenOutcome } from './outcome'
import type { Transport } from './transport'
import { UrlDocuments } from './url-documents'

/** As Tradecloud sent it: a value may be missing or differ from its type. */
export interface DocumentMetadata {
  id: string
  filename: string
  /** May be `application/octet-stream` for a PDF. */
  contentType: string
  /** A link to the content for whoever has it, for about a minute: do not log it. */
  downloadUrl: string
  [field: string]: unknown
}

/** A document of an order, a line or a shipment, or the ID of its file alone. */
export interface DocumentReference {
  /** Wins where both are there. */
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

export class Documents {
  readonly #flights: Flights
  readonly #requests: Requests
  readonly #transport: Transport
  readonly #options: DocumentsOptions
  readonly #downloads: Downloads
  readonly #urlDocuments: UrlDocuments

  constructor(flights: Flights, requests: Requests, transport: Transport, options: DocumentsOptions) {
    this.#flights = flights
    this.#requests = requests
    this.#transport = transport
    this.#options = options
    this.#downloads = new Downloads(options)
    this.#urlDocuments = new UrlDocuments(flights, transport, this.#downloads, options)
  }

  async metadata(objectId: string, signal: AbortSignal | undefined): Promise<DocumentMetadata> {
    const { path, what } = metadataPath(objectId)
    const caller = { signal, timeoutMs: this.#options.fetchTimeoutMs }
    return this.#flights.join(undefined, what, caller, (flight) => this.#metadata(flight, path))
  }

  async download(document: DocumentReference, signal: AbortSignal | undefined): Promise<DownloadedDocument> {
    const { objectId, url } = (document as DocumentReference | null | undefined) ?? {}
    if (textOr(objectId, '') === '') {
      if (typeof url === 'string' && url !== '') return this.#urlDocuments.download(url, signal)
      const problem = 'The document has neither `objectId` nor `url`: it has no file'
      throw new TradecloudApiError('no_content', problem, { attempts: 0 })
    }
    const { path, what } = metadataPath(textOr(objectId, ''))
    const caller = { signal, timeoutMs: this.#options.fetchTimeoutMs }
    return this.#flights.join(undefined, what, caller, (flight) => this.#download(flight, path, signal))
  }

  /** Ends all downloads. */
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

  async #download(flight: Flight, path: string, signal: AbortSignal | undefined): Promise<DownloadedDocument> {
    const { call } = flight
    for (let renewed = false; ;) {
      const metadata = await this.#metadata(flight, path)
      const problem = this.#checkLink(metadata.downloadUrl)
      if (problem !== undefined) throw call.error(uselessAnswer(problem))
      call.attempts++
      const outcome = await this.#transport.open(metadata.downloadUrl, call.requestSignal, 'tradecloud')
      if (outcome.type === 'aborted') throw call.ending
      if (outcome.type === 'open' && outcome.status === 200) {
        const { filename, contentType } = metadata
        const what = `GET ${shorten(path)}`
        const objectId = decodeURIComponent(path.split('/').at(-2) ?? '')
        return this.#downloads.begin(outcome, { call, what, filename: textOr(filename, objectId), contentType, signal })
      }
      if (outcome.type === 'open') outcome.body.destroy()
      const failure = linkFailure(outcome)
      // How the host answers for a link that has ended is not documented: any 4xx may be it.
      const { status = 0 } = failure
      if (status >= 400 && status < 500 && status !== 429 && !renewed && !call.waitSignal.aborted) renewed = true
      else await call.backOff(failure)
    }
  }

  /** What is wrong with a link. Over http only to this machine, and only from an API that is on it. */
  #checkLink(link: unknown): string | undefined {
    if (typeof link !== 'string' || link === '') return 'it holds no `downloadUrl`'
    if (!URL.canParse(link)) return 'its `downloadUrl` is not a URL'
    const { protocol, hostname } = new URL(link)
    if (protocol === 'https:') return undefined
    const local = isLoopback(new URL(this.#options.baseUrl).hostname) && isLoopback(hostname)
    return protocol === 'http:' && local ? undefined : 'its `downloadUrl` is not https'
  }
}

function metadataPath(objectId: string): { path: string; what: string } {
  const problem = typeof (objectId as unknown) === 'string' ? checkEntityId(objectId) : 'is not text'
  if (problem !== undefined) throw new TradecloudApiError('invalid_id', `The object ID ${problem}`, { attempts: 0 })
  const path = `/object-storage/document/${encodeURIComponent(objectId)}/metadata`
  return { path, what: `GET ${shorten(path)}` }
}

function linkFailure(outcome: Exclude<OpenOutcome, { type: 'aborted' }>): Failure {
  const failure = contentFailureOf(outcome)
  // The cause may name the host and more of the link.
  const text = failure.cause === undefined ? failure.text : 'failed'
  return { ...failure, text: `brought a link that ${text}`, cause: undefined }
}

/** Long enough for any documented ID; keeps messages short. */
function shorten(path: string): string {
  return path.length > 120 ? `${path.slice(0, 120)}…` : path
}
