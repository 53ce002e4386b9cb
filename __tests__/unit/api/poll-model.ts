/** A small model of the polling API: entities in order of change, pages by offset, and changes between requests. */
import type { PollPage } from '../../../lib/api/poll'

export interface ModelEntity {
  id: string
  lastUpdatedAt: string
  state: number
}

export interface ModelOptions {
  /** Whether times rise or fall along the list. Tradecloud does not document which. */
  order: 'rising' | 'falling'
  cursor: 'page' | 'all'
  /** How entities with the same time are sorted: by ID, in reverse, or differently each time. */
  ties: 'id' | 'reverse' | 'random'
  /** Highest number of entities in a response, whatever was requested. */
  cap?: number
}

export const time = (ms: number) => new Date(Date.UTC(2025, 0, 1) + ms).toISOString()

export class PollModel {
  readonly entities = new Map<string, ModelEntity>()
  readonly asked: number[] = []
  now = 0
  readonly #options: ModelOptions
  #state = 0
  #salt = 0

  constructor(options: ModelOptions) {
    this.#options = options
  }

  change(...ids: string[]): void {
    for (const id of ids) this.entities.set(id, { id, lastUpdatedAt: time(this.now), state: ++this.#state })
  }

  page(after: string, offset: number, limit: number): PollPage {
    this.asked.push(offset)
    const sign = this.#options.order === 'rising' ? 1 : -1
    this.#salt++
    const rank = ({ id }: ModelEntity) => {
      if (this.#options.ties !== 'random') return id
      return String(Buffer.from(`${id}${this.#salt}`).reduce((sum, byte) => (sum * 31 + byte) % 99_991, 7))
    }
    const tie = this.#options.ties === 'reverse' ? -1 : 1
    const all = [...this.entities.values()]
      .filter(({ lastUpdatedAt }) => lastUpdatedAt > after)
      .sort((one, other) => {
        const byTime = sign * one.lastUpdatedAt.localeCompare(other.lastUpdatedAt)
        return byTime || tie * rank(one).localeCompare(rank(other)) || one.id.localeCompare(other.id)
      })
    const data = all.slice(offset, offset + Math.min(limit, this.#options.cap ?? limit))
    const told = this.#options.cursor === 'page' ? data : all
    const newest = told
      .map(({ lastUpdatedAt }) => lastUpdatedAt)
      .sort()
      .at(-1)
    // Later changes get later times.
    this.now++
    return {
      data: data.map((entity) => ({ ...entity })),
      total: all.length,
      lastUpdatedAt: data.length ? newest : undefined,
    }
  }
}
