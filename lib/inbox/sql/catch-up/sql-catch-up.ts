/** The storage of one webhook's catch-up, in terms of operations that an engine runs in transactions. */
import type { Arrivals } from '../../catch-up/arrivals'
import { keyOfPart, type EntityName } from '../../catch-up/parts'
import {
  LeaseLostError,
  type CatchUpInbox,
  type CatchUpRequest,
  type Lease,
  type Position,
  type RunStatus,
  type Stored,
  type StoreRequest,
} from '../../catch-up/storage'
import { storedFound } from '../../found-event'
import type { AcceptRequest } from '../accept'
import type { Argument, Operation, OperationResult } from '../operations'

export type StoredBody = Pick<AcceptRequest, 'size' | 'bytes' | 'upload'>

export interface SqlCatchUpOptions {
  run: <Name extends Operation>(operation: Name, argument: Argument<Name>) => Promise<OperationResult<Name>>
  /** Stores a body, and calls `store` to store its event. */
  storing: <T>(bytes: Buffer, store: (body: StoredBody) => Promise<T>) => Promise<T>
}

export class SqlCatchUp implements CatchUpInbox {
  readonly #name: string
  readonly #run: SqlCatchUpOptions['run']
  readonly #storing: SqlCatchUpOptions['storing']

  constructor(name: string, { run, storing }: SqlCatchUpOptions) {
    this.#name = name
    this.#run = run
    this.#storing = storing
  }

  acquire(): Promise<string | undefined> {
    return this.#run('acquire', this.#name)
  }

  renew(token: string): Promise<boolean> {
    return this.#run('renewCatchUp', { name: this.#name, token })
  }

  async release(token: string): Promise<void> {
    await this.#run('release', { name: this.#name, token })
  }

  position(scope: string): Promise<Position | undefined> {
    return this.#run('position', { name: this.#name, scope })
  }

  async savePosition({ scope, token }: Lease, position: Position): Promise<void> {
    const saved = { name: this.#name, token, scope, position }
    let hasMore = requireLease(await this.#run('savePosition', saved))
    while (hasMore) hasMore = requireLease(await this.#run('forgetOld', saved))
  }

  arrivals({ kind, id, form }: EntityName): Promise<Arrivals> {
    return this.#run('arrivals', { name: this.#name, kind, id, form })
  }

  newestArrival({ kind, form }: Pick<EntityName, 'kind' | 'form'>): Promise<number | undefined> {
    return this.#run('newestArrival', { name: this.#name, kind, form })
  }

  async firstSeen({ scope, token }: Lease, what: string, clock: number): Promise<number> {
    return requireLease(await this.#run('firstSeen', { name: this.#name, token, scope, what, clock }))
  }

  async forgetAfter({ token }: Lease, of: Pick<EntityName, 'kind' | 'form'>, clock: number): Promise<void> {
    const { kind, form } = of
    const forgotten = { name: this.#name, token, of: { kind, form }, clock }
    while (requireLease(await this.#run('forgetAfter', forgotten)));
  }

  async store({ token }: Lease, request: StoreRequest): Promise<Stored> {
    const { entity, outdated } = request
    const name = this.#name
    const { event, bytes } = storedFound(name, { key: '', entity, parts: entity.parts, outdated }, Date.now())
    // The content is left out: it is already in the body, may be large, and is not needed for the comparison.
    const parts = entity.parts.map((part) => ({ ...part, line: undefined }))
    const compared = { ...request, entity: { ...entity, content: {}, parts } }
    const stored = requireLease(
      await this.#storing(bytes, (body) =>
        this.#run('storeFoundEvent', { name, token, request: compared, event, ...body }),
      ),
    )
    const keys = new Set(stored.parts.map(keyOfPart))
    return { ...stored, parts: entity.parts.filter((part) => keys.has(keyOfPart(part))) }
  }

  waiting(): Promise<{ events: number; bytes: number }> {
    return this.#run('waitingFound', this.#name)
  }

  requestRun(request: CatchUpRequest): Promise<string> {
    return this.#run('requestRun', { name: this.#name, request })
  }

  async takeRequest(): Promise<{ id: string; request: CatchUpRequest } | undefined> {
    // Called about once a second. Reads without a lock first, because there is rarely a request.
    return (await this.#run('findRequest', this.#name)) && this.#run('takeRequest', this.#name)
  }

  reportRun(id: string, status: RunStatus): Promise<void> {
    return this.#run('reportRun', { id, status })
  }

  runStatus(id: string): Promise<(RunStatus & { reportedAgoMs: number }) | undefined> {
    return this.#run('runStatus', id)
  }

  withdrawRequest(id: string): Promise<boolean> {
    return this.#run('withdrawRequest', id)
  }
}

function requireLease<T>(result: T | undefined): T {
  if (result === undefined) throw new LeaseLostError('Another process is polling at the moment.')
  return result
}
