import type { AssignmentStatus } from '../../protocol/assignment.ts'
import type { Content } from '../../protocol/messages.ts'

/** Says what became of one part of an assignment; where it goes is the caller's business. */
export type ReportStatus = (status: Content<'assignmentStatus'>) => void

type Phase = NonNullable<AssignmentStatus['phase']>

/** What all reports of one part have in common. */
export class StatusReporter {
  readonly #common: Pick<AssignmentStatus, 'crId' | 'grId' | 'part' | 'modelId'>
  readonly #report: ReportStatus

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
    this.#report({ ...this.#common, status: 'refused', reason: reason.slice(0, 300) })
  }

  /** A phase begins. */
  progress(phase: Phase): void {
    this.#report({ ...this.#common, status: 'progress', phase })
  }

  done(result: Pick<AssignmentStatus, 'sampleCount' | 'interval'>): void {
    this.#report({ ...this.#common, status: 'done', ...result })
  }

  failed(reason: string, phase?: Phase): void {
    this.#report({
      ...this.#common,
      status: 'failed',
      reason: reason.slice(0, 300),
      ...(phase ? { phase } : {}),
    })
  }
}
