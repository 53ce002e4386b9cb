/**
 * Documents on a server of another company, which chose the `url`. A request to such a URL must not reach the user's
 * own network, and must not contain Tradecloud's token. Errors and debug lines contain only the host of the URL,
 * because the rest may contain a secret.
 */
import { quote } from '../bytes/quote'
import { TradecloudApiError } from './api-error'
import { ADDRESS_NOT_PUBLIC } from './document-agent'
import { checkDocumentUrl, filenameOf } from './document-url'
import type { DownloadedDocument, Downloads } from './downloads'
import { contentFailureOf, type RequestFailure } from './failure'
import type { Flight, Flights } from './flights'
import type { OpenOutcome } from './outcome'
import type { Transport } from './transport'

export interface UrlDocumentsOptions {
  documentHosts: ReadonlySet<string>
  fetchTimeoutMs: number
}

export class UrlDocuments {
  readonly #flights: Flights
  readonly #transport: Transport
  readonly #downloads: Downloads
  readonly #options: UrlDocumentsOptions

  constructor(flights: Flights, transport: Transport, downloads: Downloads, options: UrlDocumentsOptions) {
    this.#flights = flights
    this.#transport = transport
    this.#downloads = downloads
    this.#options = options
  }

  async download(text: string, signal: AbortSignal | undefined): Promise<DownloadedDocument> {
    const { documentHosts, fetchTimeoutMs } = this.#options
    if (documentHosts.size === 0) {
      const problem =
        'The document has no `objectId`, only a `url` that another company chose: name its host in `documentHosts`'
      throw new TradecloudApiError('unsupported_document', problem, { attempts: 0 })
    }
    const checked = checkDocumentUrl(text, documentHosts)
    if (!checked.ok)
      throw new TradecloudApiError('document_not_allowed', `The document's \`url\` ${checked.problem}`, { attempts: 0 })
    const { url } = checked
    const what = `GET a document of ${quote(url.host)}`
    const caller = { signal, timeoutMs: fetchTimeoutMs }
    return this.#flights.join(undefined, what, caller, (flight) => this.#download(flight, url, what, signal))
  }

  async #download({ call }: Flight, url: URL, what: string, signal?: AbortSignal): Promise<DownloadedDocument> {
    for (;;) {
      call.attempts++
      const outcome = await this.#transport.open(url.href, call.requestSignal, 'another-company')
      if (outcome.type === 'aborted') throw call.ending
      if (outcome.type === 'open' && outcome.status === 200)
        return this.#downloads.begin(outcome, { call, what, filename: filenameOf(url), signal })
      if (outcome.type === 'open') outcome.body.destroy()
      const failure = documentFailure(outcome)
      if (failure.code === 'document_not_allowed') call.attempts--
      await call.backOff(failure)
    }
  }
}

function documentFailure(outcome: Exclude<OpenOutcome, { type: 'aborted' }>): RequestFailure {
  const failure = contentFailureOf(outcome)
  if (outcome.type !== 'broken' && outcome.type !== 'unusable') return failure
  const { code, message } = outcome.cause
  if (code === ADDRESS_NOT_PUBLIC) return { code: 'document_not_allowed', text: `is refused: ${message}`, retry: false }
  // Only the code is shown: Node's message may contain more, such as names in a certificate. An error without a code is
  // our own.
  return { ...failure, text: `failed: ${code ?? message}`, cause: undefined }
}
