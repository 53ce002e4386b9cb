/** The documents that the simulated Tradecloud stores, and the presigned links to download them. */
import { createHmac, randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { requireKnown } from '../checks'
import type { SimulatorClock } from '../clock'
import { json, refusal, type SimulatedAnswer } from './answer'
import { decode } from './target'

export interface SimulatedDocument {
  filename: string
  /**
   * Content type in the metadata. Tradecloud may return `application/octet-stream` for a PDF. Default:
   * 'application/octet-stream'.
   */
  contentType?: string | undefined
  /** A string is stored as UTF-8. */
  content: string | Uint8Array
}

interface StoredDocument {
  filename: string
  contentType: string
  content: Buffer
}

const PATH = '/documents/'

export class DocumentStore {
  /** Base URL of the links. Empty until their server listens. */
  linkOrigin = ''
  private readonly key = randomBytes(32)
  private readonly documents = new Map<string, StoredDocument>()

  constructor(
    private readonly clock: SimulatorClock,
    private readonly linkMs: number,
  ) {}

  set(objectId: string, document: SimulatedDocument): void {
    requireKnown('document', document, ['filename', 'contentType', 'content'])
    const { filename, contentType = 'application/octet-stream', content } = document
    this.documents.set(objectId, { filename, contentType, content: Buffer.from(content) })
  }

  delete(objectId: string): void {
    this.documents.delete(objectId)
  }

  /** Builds a link whose validity begins now. Whether Tradecloud reuses links is not documented. */
  metadata(objectId = ''): SimulatedAnswer {
    const found = this.documents.get(objectId)
    if (found === undefined) return refusal(404, 'unknown object ID')
    const expires = String(this.clock.now() + this.linkMs)
    const query = new URLSearchParams({ expires, signature: this.sign(objectId, expires) })
    const downloadUrl = `${this.linkOrigin}${PATH}${encodeURIComponent(objectId)}?${query.toString()}`
    return json({ id: objectId, filename: found.filename, contentType: found.contentType, downloadUrl })
  }

  content(objectId = ''): SimulatedAnswer {
    const found = this.documents.get(objectId)
    if (found === undefined) return refusal(404, 'unknown object ID')
    return { status: 200, body: found.content, contentType: found.contentType }
  }

  /**
   * Answers a request to a download link. Tradecloud documents only that a link expires and is requested without a
   * token; the statuses of refusals are made up. A request with a token is refused, so that a test notices the leak.
   */
  download(method: string, url: string, headers: IncomingHttpHeaders): SimulatedAnswer {
    if (headers.authorization !== undefined) return refusal(400, 'a presigned link takes no Authorization header')
    const { pathname, searchParams } = new URL(url, 'http://localhost')
    const objectId = pathname.startsWith(PATH) ? decode(pathname.slice(PATH.length)) : undefined
    const expires = searchParams.get('expires') ?? ''
    if (method !== 'GET' || objectId === undefined || searchParams.get('signature') !== this.sign(objectId, expires)) {
      return refusal(403, 'the signature of the link is invalid')
    }
    return this.clock.now() < Number(expires) ? this.content(objectId) : refusal(403, 'the link has expired')
  }

  private sign(objectId: string, expires: string): string {
    return createHmac('sha256', this.key).update(`${expires} ${objectId}`).digest('hex')
  }
}
