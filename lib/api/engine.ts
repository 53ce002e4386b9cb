/** The parts of a client. Loaded lazily with the first client, because not every webhook needs one. */
import type { ResolvedClientOptions } from './client-options'
import type { Documents } from './documents'
import { Flights } from './flights'
import { Poller } from './poller'
import { RateLimit } from './rate-limit'
import { ApiRequests } from './requests'
import { Session } from './session'
import { Transport } from './transport'

export class ApiEngine {
  readonly flights = new Flights()
  readonly transport: Transport
  readonly session: Session
  readonly requests: ApiRequests
  readonly poller: Poller
  readonly #options: ResolvedClientOptions
  #documents: Documents | undefined

  constructor(
    options: ResolvedClientOptions,
    rate = new RateLimit(options.requestsPerSecond, options.parallelRequests),
  ) {
    this.#options = options
    this.transport = new Transport(options)
    this.session = new Session(this.transport, rate, options.credentials, options.requestTimeoutMs)
    this.requests = new ApiRequests(this.transport, rate, this.session)
    this.poller = new Poller(this.flights, this.requests, options)
  }

  /** Loaded lazily: only needed for documents. */
  get documents(): Documents {
    if (!this.#documents) {
      const { Documents } = require('./documents') as typeof import('./documents')
      this.#documents = new Documents(this.flights, this.requests, this.transport, this.#options)
    }
    return this.#documents
  }

  close(): void {
    this.#documents?.close()
    this.transport.close()
  }
}
