/** Sends the probes of one run, and collects the results of its checks and its findings. */
import type { LookupFunction } from 'node:net'
import { readReply, type Read } from './read-reply'
import { FINDINGS, type Finding, type FindingCode } from './findings'
import { failure, ProbeSender, type ProbeRequest, type SendResult } from './send'
import { startTimer } from '../../wait/timers'
import type { DoctorTarget } from './target'

export interface CheckResult {
  name: string
  result: 'ok' | 'failed' | 'unchecked'
  text: string
}

export interface Found extends Finding {
  code: FindingCode
  /** Descriptions of the results that led to the finding. */
  evidence: string[]
}

export interface DoctorReport {
  url: string
  ok: boolean
  checks: CheckResult[]
  findings: Found[]
  durationMs: number
}

export interface ExaminationOptions {
  /** Value of `Authorization`; `undefined` to send no such header. */
  authorization: string | undefined
  /** PEM certificates of the authorities to trust instead of Node's. */
  ca?: string | undefined
  lookup?: LookupFunction | undefined
  /** Time limit for a response. The time starts anew with each piece of a body that is sent. */
  idleMs: number
  /** Time limit of all probes together. */
  limitMs: number
  onProgress?: ((text: string) => void) | undefined
}

/** The result of a probe, and what was read from its response. */
export type Answered = SendResult & { read: Read }

const OUT_OF_TIME = 'OUT_OF_TIME'

export class Examination {
  readonly #checks: CheckResult[] = []
  readonly #evidence = new Map<FindingCode, string[]>()
  readonly #sender: ProbeSender
  readonly #begun = performance.now()

  constructor(
    readonly target: DoctorTarget,
    readonly options: ExaminationOptions,
  ) {
    const ending = new AbortController()
    startTimer(() => ending.abort(failure(OUT_OF_TIME, 'there was no time left')), options.limitMs)
    this.#sender = new ProbeSender(target, { ...options, signal: ending.signal })
  }

  async send(request: ProbeRequest): Promise<Answered> {
    const reply = await this.#sender.send(request)
    return { ...reply, read: readReply(reply, this.options.authorization) }
  }

  /** Records a completed check and the problems that it found (`failures`). */
  done(name: string, text: string, failures: string[] = []): void {
    if (failures.length === 0) this.#checks.push({ name, result: 'ok', text })
    else this.#checks.push({ name, result: 'failed', text: failures.join('; ') })
    this.options.onProgress?.(name)
  }

  skip(name: string, text: string): void {
    this.#checks.push({ name, result: 'unchecked', text })
  }

  find(code: FindingCode, evidence: string): void {
    const all = this.#evidence.get(code)
    if (!all) this.#evidence.set(code, [evidence])
    else if (!all.includes(evidence)) all.push(evidence)
  }

  report(): DoctorReport {
    const findings = [...this.#evidence].map(([code, evidence]) => ({ code, ...FINDINGS[code], evidence }))
    return {
      url: this.target.url,
      ok: findings.length === 0,
      checks: this.#checks,
      findings,
      durationMs: Math.round(performance.now() - this.#begun),
    }
  }
}

/** True if a probe got no response because the time limit of the run was reached. */
export function ranOutOfTime({ read }: Answered): boolean {
  return read.by === 'no one' && read.code === OUT_OF_TIME
}
