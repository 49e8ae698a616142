import type { AssignmentStatus } from '../../protocol/assignment.ts'
import type { Envelope } from '../../protocol/envelope.ts'
import type { Content } from '../../protocol/messages.ts'

/** Says what became of one part of an assignment; where it goes is the caller's business. */
export type ReportStatus = (status: Content<'assignmentStatus'>) => void

type Phase = NonNullable<AssignmentStatus['phase']>

/** A phase that is over by then says so in the report of its end. */
const PROGRESS_DELAY_MS = 50

/** What all reports of one part have in common. */
export class StatusReporter {
  readonly #common: Pick<AssignmentStatus, 'crId' | 'grId' | 'part' | 'modelId'>
  readonly #report: ReportStatus
  #progressTimer: NodeJS.Timeout | undefined

  constructor(
    common: Pick<AssignmentStatus, 'crId' | 'grId' | 'part' | 'modelId'>,
    report: ReportStatus,
  ) {
    this.#common = common
    this.#report = report
  }

  accepted(): void {
    this.#report({ ...this.#common, status: 'accepted' })
  }

  refused(reason: string): void {
    this.#end({ status: 'refused', reason: reason.slice(0, 300) })
  }

  /** A phase begins: of several in a short time only the last is reported. */
  progress(phase: Phase): void {
    clearTimeout(this.#progressTimer)
    const report = (): void => this.#report({ ...this.#common, status: 'progress', phase })
    this.#progressTimer = setTimeout(report, PROGRESS_DELAY_MS)
  }

  done(result: Pick<AssignmentStatus, 'sampleCount' | 'interval' | 'uplinkPower'>): void {
    this.#end({ status: 'done', ...result })
  }

  failed(reason: string, phase?: Phase): void {
    this.#end({ status: 'failed', reason: reason.slice(0, 300), ...(phase ? { phase } : {}) })
  }

  #end(end: Omit<AssignmentStatus, keyof Envelope | 'crId' | 'grId' | 'part' | 'modelId'>): void {
    clearTimeout(this.#progressTimer)
    this.#report({ ...this.#common, ...end })
  }
}
