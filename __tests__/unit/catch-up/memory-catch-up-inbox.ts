/**
 * What an inbox provides for the catch-up, in memory. Several inboxes can share one instance, as processes share a
 * database.
 */
import type { CatchUpInbox, CatchUpRequest, RunStatus } from '../../../lib/inbox/catch-up/storage'
import { MemoryStorage } from './memory-storage'

interface RequestRow {
  request: CatchUpRequest
  status: RunStatus
}

export class MemoryCatchUpInbox extends MemoryStorage implements CatchUpInbox {
  readonly requests = new Map<string, RequestRow>()
  override holder: string | undefined = undefined
  #tokens = 0

  async acquire(): Promise<string | undefined> {
    if (this.holder !== undefined) return undefined
    return (this.holder = `token ${++this.#tokens}`)
  }

  async renew(token: string): Promise<boolean> {
    return this.holder === token
  }

  async release(token: string): Promise<void> {
    if (this.holder === token) this.holder = undefined
  }

  async newestArrival({ kind, form }: Parameters<CatchUpInbox['newestArrival']>[0]): Promise<number | undefined> {
    const marks = [...this.marks].filter(([entity]) => entity.startsWith(`${kind} ${form} `))
    const times = marks.flatMap(([, known]) => [...known.values()].map(({ time }) => time))
    return times.length === 0 ? undefined : Math.max(...times)
  }

  async requestRun(request: CatchUpRequest): Promise<string> {
    const id = String(this.requests.size + 1)
    this.requests.set(id, { request, status: { state: 'waiting' } })
    return id
  }

  async takeRequest(): Promise<{ id: string; request: CatchUpRequest } | undefined> {
    const found = [...this.requests].find(([, { status }]) => status.state === 'waiting')
    if (!found) return undefined
    const [id, row] = found
    row.status = { state: 'running' }
    return { id, request: row.request }
  }

  async reportRun(id: string, status: RunStatus): Promise<void> {
    const row = this.requests.get(id)
    if (row) row.status = status
  }

  async runStatus(id: string): Promise<(RunStatus & { reportedAgoMs: number }) | undefined> {
    const row = this.requests.get(id)
    return row && { ...row.status, reportedAgoMs: 0 }
  }

  async withdrawRequest(id: string): Promise<boolean> {
    return this.requests.get(id)?.status.state === 'waiting' && this.requests.delete(id)
  }
}
